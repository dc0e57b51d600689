// Who may use the console, from the first administrator on. One hub, one shift.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NARROW, WIDE, accessible, at, button, close, complaints, context, hub, open, page, shoot, signInAs } from './room.mjs';

const ALICE = 'correct horse battery';
const GIVEN = 'given by alice once';
const BOB = 'only bob knows this one';

before(() => open());
after(close);

test('the first administrator comes by the code that the hub said, once', async () => {
  await page.goto(at('/'));
  await page.getByText('No name yet?').click();
  await shoot('70-sign-in-by-name');
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
  await shoot('71-first');
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
  await shoot('73-must-change');
  await accessible('must change the password');
  await page.setViewportSize(NARROW);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= NARROW.width);
  await shoot('74-must-change-narrow');
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

test('nothing was asked elsewhere or ran against the policy', () => assert.deepEqual(complaints, []));
