// Who may use the console, from the first administrator on. One hub, one shift.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NARROW, WIDE, accessible, artefact, at, button, close, complaints, confirm, context, eventually, hub, open, page, panel, picture, shoot, shootAll, signInAs, visitor, watch } from './room.mjs';

const ALICE = 'correct horse battery';
const GIVEN = 'given by alice once';
const BOB = 'a secret of his own';

before(() => open());
after(close);

test('the first administrator comes by the code that the hub said, once', async () => {
  await page.goto(at('/'));
  // Open for a browser that nobody has signed in with.
  await page.getByText('A hub without an administrator says a code').waitFor();
  await picture('70-sign-in-by-name');
  await accessible('sign-in by name');
  await page.getByRole('link', { name: 'make the first administrator' }).click();
  await page.getByRole('heading', { name: 'The first administrator' }).waitFor();
  await page.getByLabel('Code').fill('0'.repeat(64));
  await page.getByLabel('Name', { exact: true }).fill('alice');
  await page.getByLabel('Password', { exact: true }).fill(ALICE);
  await button('Create the administrator').click();
  await page.getByText('this link is used, or too old').waitFor();
  await page.getByLabel('Code').fill(hub.code);
  await page.getByLabel('Password', { exact: true }).fill('too short');
  await button('Create the administrator').click();
  // The browser says so itself, before anything is sent.
  assert.equal(await page.getByLabel('Password', { exact: true }).evaluate((field) => field.validity.tooShort), true);
  await page.getByLabel('Password', { exact: true }).fill(ALICE);
  await picture('71-first');
  await accessible('first administrator');
  await button('Create the administrator').click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await page.getByText('alice', { exact: true }).waitFor();
  await button('Sign out').click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('whoever was given a password chooses another before anything else', async () => {
  await hub.ask('POST', '/api/v1/access/users', { name: 'bob', password: GIVEN, roles: ['operator'] });
  await page.goto(at('/queues'));
  await signInAs('bob', 'not the one he was given');
  await page.getByText('this name and password do not belong together').waitFor();
  await shoot('72-refused-by-name');
  await signInAs('bob', GIVEN);
  await page.getByRole('heading', { name: 'Choose another password' }).waitFor();
  // No way around it, and nothing behind it.
  await page.goto(at('/launch'));
  await page.getByRole('heading', { name: 'Choose another password' }).waitFor();
  await page.getByLabel('Password until now').fill('not the one he was given');
  await page.getByLabel('New password').fill(BOB);
  await button('Change it').click();
  await page.getByText('this name and password do not belong together').waitFor();
  await picture('73-must-change');
  await accessible('must change the password');
  await page.setViewportSize(NARROW);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= NARROW.width);
  await picture('74-must-change-narrow');
  await page.setViewportSize(WIDE);
  await page.getByLabel('Password until now').fill(GIVEN);
  await page.getByLabel('New password').fill(BOB);
  await button('Change it').click();
  await page.getByRole('heading', { name: 'Launches', level: 1 }).waitFor();
  await page.getByText('bob', { exact: true }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href + document.cookie);
  for (const secret of [ALICE, GIVEN, BOB]) assert.ok(!kept.includes(secret) && !hub.readLog().includes(secret), 'no secret is kept');
});

test('signing out is for good, and the new password counts', async () => {
  const [cookie] = await context.cookies();
  await button('Sign out').click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const late = await fetch(`${hub.url}/api/v1/dead`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
  assert.equal(late.status, 401);
  await signInAs('bob', GIVEN);
  await page.getByText('this name and password do not belong together').waitFor();
  await signInAs('bob', BOB);
  await page.getByRole('heading', { name: 'Launches', level: 1 }).waitFor();
  await button('Sign out').click();
});

test('the sign-in speaks French, in light', async () => {
  await page.getByLabel('Language').selectOption('fr');
  await page.getByRole('heading', { name: 'Connexion' }).waitFor();
  await page.emulateMedia({ colorScheme: 'light' });
  await accessible('sign-in in French');
  await shoot('75-sign-in-fr-light');
  await page.getByLabel('Langue').selectOption('en');
  await page.emulateMedia({ colorScheme: 'dark' });
});

test('an administrator adds somebody with a role of their own, and takes it away again', async () => {
  await signInAs('alice', ALICE);
  await page.getByRole('link', { name: 'Access', exact: true }).click();
  const people = panel('People');
  await people.getByRole('link', { name: 'bob' }).waitFor();
  await page.getByRole('link', { name: 'Roles', exact: true }).click();
  const role = panel('New role');
  await role.getByLabel('Name').fill('night-shift');
  await role.getByLabel('alerts:read').check();
  await role.getByLabel('jobs:read').check();
  await button('Create the role').click();
  await page.getByText('Role night-shift created.').waitFor();
  await panel('Roles').getByText('night-shift').waitFor();
  await picture('76-access-roles');
  await accessible('roles');
  await page.getByRole('link', { name: 'People', exact: true }).click();
  const someone = panel('New user');
  await someone.getByLabel('Name').fill('carol');
  await button('Invent one').click();
  const given = await someone.getByLabel('First password').inputValue();
  assert.match(given, /^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
  await someone.getByLabel('night-shift').check();
  await picture('77-access-people');
  await accessible('people');
  await button('Create the user').click();
  await people.getByRole('link', { name: 'carol' }).click();
  const carol = panel('carol');
  await carol.getByText('has to choose a password').waitFor();
  await carol.getByLabel('viewer').check();
  await confirm('Set roles');
  await people.getByText('night-shift, viewer').waitFor();
  await accessible('one person');
  await shootAll('78-access-person');
  // A role that somebody has is not dropped.
  await page.getByRole('link', { name: 'Roles', exact: true }).click();
  await panel('Roles').getByRole('listitem').filter({ hasText: 'night-shift' }).getByText('users: 1').waitFor();
  assert.equal(await button('Drop').count(), 0);
  await page.goto(at('/access/people/carol'));
  await confirm('Disable');
  await carol.getByText('disabled', { exact: true }).waitFor();
  const late = await fetch(`${hub.url}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'carol', password: given }) });
  assert.equal(late.status, 401);
  await confirm('Enable');
  await carol.getByText('has to choose a password').waitFor();
  await carol.getByLabel('First password').fill('another one for her');
  await button('Give this password').click();
  await page.getByText('carol has another password').waitFor();
});

test('a token is shown once, opens what it should, and is revoked', async () => {
  await page.goto(at('/access/tokens'));
  await page.getByText('No token yet.').waitFor();
  await page.getByText('portique token create').waitFor();
  const form = panel('New token');
  await form.getByLabel('What for').fill('mail <b>robot</b>');
  await form.getByLabel('Lasts').selectOption('7 d');
  await form.getByLabel('jobs:read').check();
  await picture('79-access-tokens');
  await accessible('tokens');
  await button('Create the token').click();
  const shown = await form.getByRole('status').locator('code').innerText();
  const dead = () => fetch(`${hub.url}/api/v1/dead`, { headers: { authorization: `Bearer ${shown}` } });
  assert.equal((await dead()).status, 200);
  await accessible('a token, shown');
  await button('I have kept it').click();
  assert.ok(!(await page.content()).includes(shown), 'shown once');
  const row = panel('Tokens for programs').getByRole('row').filter({ hasText: 'mail <b>robot</b>' });
  await row.getByText('jobs:read').waitFor();
  await eventually(async () => assert.ok(!(await row.innerText()).includes('never'), 'when it was used'));
  await confirm('Revoke', undefined, row);
  await row.getByText('revoked', { exact: true }).waitFor();
  assert.equal((await dead()).status, 401);
});

test('what was done and refused is found, and the chain is whole', async () => {
  await page.goto(at('/access/audit'));
  const chain = panel('Chain of the journal');
  await chain.getByText('whole', { exact: true }).waitFor();
  const verdict = await hub.ask('GET', '/api/v1/access/audit/verify');
  await eventually(async () => {
    await button('Verify').click();
    await chain.getByText((await hub.ask('GET', '/api/v1/access/audit/verify')).hash, { exact: false }).waitFor({ timeout: 1000 });
  });
  assert.equal(verdict.holds, true);
  const journal = panel('What was changed and refused');
  await journal.getByText('role.create').first().waitFor();
  await page.getByLabel('Outcome').selectOption('refused');
  await page.getByLabel('Who').fill('user:bob');
  await button('Search').click();
  await journal.getByText('do not belong together').first().waitFor();
  await eventually(async () => assert.equal(await journal.getByText('role.create').count(), 0));
  // The link of a search shows the same.
  await page.reload();
  assert.equal(await page.getByLabel('Who').inputValue(), 'user:bob');
  await journal.getByText('do not belong together').first().waitFor();
  await eventually(async () => assert.equal(await journal.getByText('role.create').count(), 0));
  await picture('80-access-audit');
  await accessible('audit');
  await page.getByLabel('Until (UTC)').fill('2020-01-01T00:00:00');
  await button('Search').click();
  await page.getByText('Nothing of that kind in the journal.').waitFor();
  await button('Clear').click();
  await journal.getByText('role.create').first().waitFor();
});

test('whoever lacks a right is told so, and offered nothing that would be refused', async () => {
  await hub.ask('POST', '/api/v1/launch/rockets', { rocket: 'alpha', time_factor: 10, pad: 'pad-alpha' });
  await hub.ask('POST', '/api/v1/access/users', { name: 'dave', password: GIVEN, roles: ['weather-officer'] });
  const other = await visitor();
  const seen = await other.newPage();
  watch(seen);
  await seen.goto(at('/access'));
  await signInAs('dave', GIVEN, seen);
  await seen.getByLabel('Password until now').fill(GIVEN);
  await seen.getByLabel('New password').fill('watches the sky at night');
  await button('Change it', seen).click();
  await seen.getByText('dave, this needs the permission access:read').waitFor();
  await accessible('refused, said why', seen);
  await picture('81-access-denied', seen);
  await seen.goto(at('/payments'));
  await seen.getByText('dave, this needs the permission payments:read').waitFor();
  await seen.goto(at('/launch/alpha'));
  await button('Report a calm day', seen).waitFor();
  await seen.getByText('Needs the permission launch:count').waitFor();
  assert.equal(await button('Open the poll', seen).count(), 0);
  const before = (await hub.ask('GET', '/api/v1/access/audit?outcome=refused&who=user:dave')).length;
  for (const path of ['/', '/launch/alpha', '/queues', '/workers', '/telemetry', '/alerts', '/settings', '/access/me', '/access/tokens', '/access/audit']) {
    await seen.goto(at(path));
    await seen.getByText('Connected').waitFor();
    await eventually(async () => assert.equal(await seen.getByText('Asking the hub…').count(), 0));
  }
  // Looking at the console asks for nothing that is refused.
  const refused = await hub.ask('GET', '/api/v1/access/audit?outcome=refused&who=user:dave');
  assert.deepEqual(refused.slice(0, refused.length - before), []);
  await seen.goto(at('/access/me'));
  await seen.getByLabel('Password until now').fill('not the one');
  await seen.getByLabel('New password').fill('watches it all the same');
  await button('Change it', seen).click();
  await seen.getByText('Refused:').waitFor();
  await seen.getByLabel('Password until now').fill('watches the sky at night');
  await seen.getByLabel('New password').fill('watches it all the same');
  await button('Change it', seen).click();
  await seen.getByText('Password changed').waitFor();
  await accessible('my account', seen);
  await seen.screenshot({ path: artefact('82-access-me'), fullPage: true });
  await other.close();
});

const PAGES = [
  ['/access', 'Access and audit', 'Accès et audit'],
  ['/access/people/carol', 'Access and audit', 'Accès et audit'],
  ['/access/roles', 'Access and audit', 'Accès et audit'],
  ['/access/tokens', 'Access and audit', 'Accès et audit'],
  ['/access/audit', 'Access and audit', 'Accès et audit'],
  ['/access/me', 'Access and audit', 'Accès et audit']
];

test('these pages speak French, in light', async () => {
  await page.goto(at('/'));
  await page.getByLabel('Language').selectOption('fr');
  await page.getByLabel('Couleurs').selectOption('light');
  for (const [path, , heading] of PAGES) {
    await page.goto(at(path));
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await page.getByText('Connecté').waitFor();
    await eventually(async () => assert.equal(await page.getByText('Question au hub…').count(), 0));
    await accessible(`${path} in French`);
    await shootAll(`85-fr-light${path.replaceAll('/', '-')}`);
  }
  await page.getByLabel('Langue').selectOption('en');
  await page.getByLabel('Colours').selectOption('dark');
});

test('these pages fit a telephone', async () => {
  await page.setViewportSize(NARROW);
  for (const [path, heading] of PAGES) {
    await page.goto(at(path));
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await eventually(async () => assert.equal(await page.getByText('Asking the hub…').count(), 0));
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= NARROW.width, `${path} is ${width} px wide`);
    await shootAll(`86-narrow${path.replaceAll('/', '-')}`);
  }
  await page.setViewportSize(WIDE);
});

test('nothing was asked elsewhere or ran against the policy', () => assert.deepEqual(complaints, []));
