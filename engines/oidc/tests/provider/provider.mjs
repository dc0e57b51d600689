// A real OpenID provider (oidc-provider) for the tests of sign-in, on any free port of this machine.
//
// Arguments: the address where the hub is sent back to, once per client. It prints one JSON line, {"issuer": ...},
// when it listens, and ends with its standard input. POST /switch takes what shall be otherwise from then on:
//   {"groups": {"alice": ["club-captains"]}}   whom the groups claim has where
//   {"names": {"alice": "alice.liddell"}}       what they are called, if not as they sign in
//   {"tamper": "signature"}                    how the next ID tokens are wrong; null: they are right
//   {"rotate": true}                           sign with a new key and publish it, as providers do once in a while
//   {"mood": "down" | "endless" | "silent"}    how everything but this is answered; null: as it should be
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import Provider from 'oidc-provider';

// Standard output is for one line; what the library remarks is for whoever starts this by hand.
console.info = console.error;

const CLIENT = 'portique';
const SECRET = 'a secret of tests, / with + signs %';
const state = { groups: {}, names: {}, tamper: null, mood: null };
let keys = [await newKey('first')];

async function newKey(kid) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const more = { kid, use: 'sig', alg: 'RS256' };
  return {
    privateKey,
    jwk: { ...(await exportJWK(privateKey)), ...more },
    publicJwk: { ...(await exportJWK(publicKey)), ...more },
  };
}

// The library's own adapter forgets nothing while the process runs.
const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: CLIENT,
      client_secret: SECRET,
      redirect_uris: process.argv.slice(2),
      response_types: ['code'],
      grant_types: ['authorization_code'],
    },
  ],
  jwks: { keys: [keys[0].jwk] },
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
  // As Keycloak and others do: what the scopes allow is in the ID token.
  conformIdTokenClaims: false,
  cookies: { keys: ['for tests only'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: state.names[id] ?? id,
      groups: state.groups[id] ?? [],
    }),
  }),
});

// What is wrong about a token that the provider's own key, or another, has signed all the same.
async function tampered(token) {
  const claims = decodeJwt(token);
  let header = decodeProtectedHeader(token);
  let key = keys.at(-1).privateKey;
  const now = Math.floor(Date.now() / 1000);
  switch (state.tamper) {
    case 'signature':
      return token.slice(0, -8) + (token.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA');
    case 'claims': {
      const [head, , tail] = token.split('.');
      const more = { ...claims, groups: ['club-captains'] };
      return `${head}.${Buffer.from(JSON.stringify(more)).toString('base64url')}.${tail}`;
    }
    case 'none': {
      const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none' })}.${part(claims)}.`;
    }
    case 'hmac':
      // The key that everybody can read, as a shared secret.
      header = { alg: 'HS256', kid: header.kid };
      key = new TextEncoder().encode(JSON.stringify(keys.at(-1).publicJwk));
      break;
    case 'client-secret':
      header = { alg: 'HS256' };
      key = new TextEncoder().encode(SECRET.padEnd(32));
      break;
    case 'stranger':
      key = (await newKey('stranger')).privateKey;
      break;
    case 'unknown-key': {
      const stranger = await newKey('stranger');
      header = { ...header, kid: 'stranger' };
      key = stranger.privateKey;
      break;
    }
    case 'audience':
      claims.aud = 'another-hub';
      break;
    case 'audiences':
      claims.aud = [CLIENT, 'another-hub'];
      break;
    case 'issuer':
      claims.iss = 'http://127.0.0.1:1';
      break;
    case 'nonce':
      claims.nonce = '0'.repeat(64);
      break;
    case 'no-nonce':
      delete claims.nonce;
      break;
    case 'expired':
      claims.iat = now - 7200;
      claims.exp = now - 3600;
      break;
    case 'groups-number':
      claims.groups = 7;
      break;
    case 'name':
      claims.preferred_username = '<script>alert(1)</script>';
      break;
    default:
      throw new Error(`nothing is known of ${state.tamper}`);
  }
  return new SignJWT(claims).setProtectedHeader(header).sign(key);
}

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/token' && ctx.body?.id_token) {
    const rotated = keys.length > 1 && !state.tamper;
    if (state.tamper) ctx.body.id_token = await tampered(ctx.body.id_token);
    if (rotated) {
      const { kid } = keys.at(-1).jwk;
      const signed = new SignJWT(decodeJwt(ctx.body.id_token));
      ctx.body.id_token = await signed
        .setProtectedHeader({ alg: 'RS256', kid })
        .sign(keys.at(-1).privateKey);
    }
  }
  if (ctx.path === '/jwks' && keys.length > 1) ctx.body = { keys: keys.map((key) => key.publicJwk) };
});

async function read(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

async function change(asked) {
  const { rotate, ...more } = asked;
  if (rotate) keys.push(await newKey(`key-${keys.length}`));
  Object.assign(state, more);
}

function answerBadly(response) {
  if (state.mood === 'silent') return;
  if (state.mood === 'down') {
    response.writeHead(503, { 'content-type': 'text/html' });
    response.end('<b>we are mending it</b>');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  const block = Buffer.alloc(65536, 0x20);
  const more = () => {
    while (response.writable && response.write(block));
  };
  response.on('drain', more);
  response.on('error', () => {});
  more();
}

const serve = provider.callback();
server.on('request', async (request, response) => {
  if (request.url === '/switch') {
    await change(await read(request));
    response.end();
  } else if (state.mood) {
    answerBadly(response);
  } else {
    serve(request, response);
  }
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.stdout.write(`${JSON.stringify({ issuer, client_id: CLIENT, client_secret: SECRET })}\n`);
