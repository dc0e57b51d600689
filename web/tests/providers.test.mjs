// Sign-in by a real OpenID provider, in a browser that goes there and back.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { accessible, at, button, close, hub, open, page, sentTo, shoot, visitor } from './room.mjs';

const HERE = fileURLToPath(new URL('../../engines/oidc/tests/provider/', import.meta.url));
let peer, issuer, folder;

before(async () => {
  if (!existsSync(join(HERE, 'node_modules/.package-lock.json'))) {
    const done = spawnSync('npm', ['ci', '--no-fund', '--no-audit'], { cwd: HERE });
    assert.equal(done.status, 0, `run \`npm ci\` in ${HERE}`);
  }
  // The provider has to know where the hub will be, and the hub who the provider is.
  const port = await freePort();
  const back = `http://127.0.0.1:${port}/console/oidc/club/callback`;
  peer = spawn(process.execPath, ['provider.mjs', back], { cwd: HERE, stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await new Promise((resolve) => createInterface({ input: peer.stdout }).once('line', (...said) => resolve(said)));
  const said = JSON.parse(line);
  issuer = said.issuer;
  folder = await mkdtemp(join(tmpdir(), 'portique-oidc-'));
  const secret = join(folder, 'club.secret');
  await writeFile(secret, said.client_secret, { mode: 0o600 });
  await open(
    `
[[access.oidc]]
name = "club"
label = "the <club>"
issuer = "${issuer}"
client_id = "${said.client_id}"
client_secret_file = "${secret}"
groups = { "club-captains" = ["operator"] }
`,
    port
  );
});

after(async () => {
  peer?.stdin.end();
  await close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

const groups = (of) => fetch(`${issuer}/switch`, { method: 'POST', body: JSON.stringify({ groups: of }) });

/** Goes to the provider by the button, and through its two forms. */
async function throughProvider(seen, login) {
  await seen.goto(at('/queues'));
  await seen.getByRole('link', { name: 'Sign in with the <club>' }).click();
  await seen.locator('input[name=login]').fill(login);
  await seen.locator('input[name=password]').fill('any');
  await seen.locator('button[type=submit]').click();
  await seen.getByRole('button', { name: 'Continue' }).click();
}

test('the button leads to the provider and back into the console', async () => {
  await groups({ alice: ['club-captains'] });
  await page.goto(at('/'));
  await page.getByRole('link', { name: 'Sign in with the <club>' }).waitFor();
  await shoot('76-sign-in-by-provider');
  await accessible('sign-in with a provider');
  const browser = await visitor();
  const seen = await browser.newPage();
  await throughProvider(seen, 'alice');
  await sentTo(at('/'), seen);
  await seen.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await seen.getByText('alice', { exact: true }).waitFor();
  assert.equal(new URL(seen.url()).search, '', 'neither code nor state stays in the address');
  await button('Sign out', seen).click();
  await seen.getByRole('heading', { name: 'Sign in' }).waitFor();
  await browser.close();
});

test('whoever is in no group is told so and is not in', async () => {
  const browser = await visitor();
  const seen = await browser.newPage();
  await throughProvider(seen, 'mallory');
  await seen.getByText('no group that club has them in gives a role here').waitFor();
  await seen.screenshot({ path: join(process.env['PORTIQUE_ARTEFACTS'], '77-no-group.png') });
  await seen.getByRole('link', { name: 'Back to the console' }).click();
  await seen.getByRole('heading', { name: 'Sign in' }).waitFor();
  await browser.close();
  assert.equal((await hub.ask('GET', '/api/v1/access/users')).some((user) => user.name === 'mallory'), false);
});
