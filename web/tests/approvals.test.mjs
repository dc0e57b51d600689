// What one person asks for and another lets through: a module of a flying rocket is destroyed by two.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NARROW, WIDE, accessible, artefact, at, button, close, complaints, confirm, eventually, hub, open, page, panel, picture, ready, shootAll, signInAs, visitor, watch } from './room.mjs';

const SECRET = 'a secret of their own';
const GIVEN = 'given to them once';
const WHY = 'it leaves <b>the corridor</b>';
const APPROVALS = '/api/v1/access/approvals';
/** Long enough for the count and for two people, short enough to wait for. */
const SPEED = 5;
const FLIGHT_MS = 60_000;

/** Two people who hold `launch:destroy`; bob may see the audit journal too. */
let alice, bob, other, seen;

before(async () => {
  await open();
  alice = await person('alice', 'operator');
  bob = await person('bob', 'administrator');
  other = await visitor();
  seen = await other.newPage();
  watch(seen);
});
after(close);

/** A user with a password of their own, and what the API says to them. */
async function person(name, role) {
  await hub.ask('POST', '/api/v1/access/users', { name, password: GIVEN, roles: [role] });
  const headers = { 'content-type': 'application/json' };
  const ask = async (method, path, body) => {
    const response = await fetch(hub.url + path, { method, headers, body: body && JSON.stringify(body) });
    const [cookie] = response.headers.getSetCookie();
    if (cookie) headers.cookie = cookie.split(';')[0];
    const said = JSON.parse((await response.text()) || '{}');
    if (said.csrf) headers['x-csrf-token'] = said.csrf;
    return { status: response.status, said };
  };
  assert.equal((await ask('POST', '/api/v1/session', { name, password: GIVEN })).status, 200);
  assert.equal((await ask('PUT', '/api/v1/session/password', { old: GIVEN, new: SECRET })).status, 200);
  return { ask };
}

const destroyed = async () => (await hub.ask('GET', '/api/v1/launch/rockets/helios/orders')).some((order) => order.order === 'destroy');

test('nothing waits, and the page says how else to ask', async () => {
  await page.goto(at('/access/approvals'));
  await signInAs('alice', SECRET);
  await page.getByText('Nothing waits for a second person.').waitFor();
  await page.getByText('portique approvals list').waitFor();
  await picture('87-approvals-empty');
  await accessible('approvals, none');
});

test('whoever asks to destroy a module of a flying rocket cannot let it through', async () => {
  await ready('helios', SPEED);
  await page.goto(at('/launch/helios'));
  await confirm('Start the count');
  await page.getByText('in flight', { exact: true }).waitFor({ timeout: FLIGHT_MS });
  await page.getByLabel('Why (for whoever approves)').fill(WHY);
  await confirm('Abort: destroy booster');
  const asked = panel('Takes two people');
  await asked.getByText('Waits for a second person: bob. Nothing is ordered yet.').waitFor();
  await asked.getByText(WHY, { exact: true }).waitFor();
  await button('Take back', asked).waitFor();
  assert.equal(await button('Approve', asked).count(), 0);
  assert.equal(await button('Deny', asked).count(), 0);
  // It is asked for once.
  assert.equal(await button('Abort: destroy booster').count(), 0);
  await shootAll('88-mission-asked');
  await accessible('mission, asked for');
  const [open] = (await alice.ask('GET', `${APPROVALS}?open=true`)).said;
  const alone = await alice.ask('POST', `${APPROVALS}/${open.id}/approve`);
  assert.equal(alone.status, 403);
  assert.equal(await destroyed(), false);
});

test('the other is told, finds it, and lets it through', async () => {
  await seen.goto(at('/'));
  await signInAs('bob', SECRET, seen);
  await seen.getByRole('link', { name: 'alice asks: destroy booster of rocket helios, flying' }).waitFor();
  await seen.getByRole('link', { name: /^Access\s*1$/ }).click();
  await seen.getByRole('link', { name: /^Approvals\s*1$/ }).click();
  await button('Approve', seen).waitFor();
  await picture('89-approvals', seen);
  await accessible('approvals, one open', seen);
  await seen.keyboard.press('Control+k');
  await seen.getByRole('combobox', { name: /^Page, mission/ }).fill('destroy booster');
  await seen.keyboard.press('Enter');
  const [open] = (await bob.ask('GET', `${APPROVALS}?open=true`)).said;
  await seen.waitForURL(at(`/access/approvals/${open.id}`));
  await seen.getByText(open.digest).waitFor();
  await seen.getByText(`${open.action} ${open.command}`).waitFor();
  await accessible('one approval', seen);
  await seen.goto(at('/launch/helios'));
  const there = seen.getByRole('region', { name: 'Takes two people', exact: true });
  await button('Approve', there).waitFor();
  await seen.screenshot({ path: artefact('90-mission-to-approve'), fullPage: true });
  await accessible('mission, to approve', seen);
  assert.equal(await destroyed(), false);
  await confirm('Approve', undefined, there);
  await there.getByText('approved and ordered', { exact: true }).waitFor();
  assert.equal(await destroyed(), true);
  // Who asked sees how it went without asking again.
  await panel('Takes two people').getByText('approved and ordered', { exact: true }).waitFor();
  await panel('Takes two people').getByText('bob', { exact: true }).waitFor();
  await panel('Mission log').getByText('booster ordered: destroy').waitFor();
  await panel('Modules').getByRole('row').filter({ hasText: 'booster' }).getByText('destroyed by order').waitFor();
  await shootAll('91-mission-destroyed');
});

test('the audit journal names both', async () => {
  await seen.goto(at('/access/audit'));
  const journal = seen.getByRole('region', { name: 'What was changed and refused', exact: true });
  for (const [action, who] of [['approval.request', 'user:alice'], ['approval.approve', 'user:bob']]) {
    await seen.getByLabel('Outcome').selectOption('done');
    await seen.getByLabel('Action').fill(action);
    await button('Search', seen).click();
    await eventually(async () => {
      const done = journal.getByRole('row').filter({ hasText: action }).filter({ hasText: 'destroy booster of rocket helios' });
      assert.match(await done.first().innerText(), new RegExp(who));
    });
  }
});

test('no is said with a reason, and what was asked for is taken back', async () => {
  await hub.ask('POST', '/api/v1/launch/rockets', { rocket: 'ares', time_factor: 1, pad: 'pad-ares' });
  await eventually(async () => assert.equal((await hub.ask('GET', '/api/v1/launch/rockets/ares')).modules.length, 3));
  const ask = { action: 'launch.destroy', command: { rocket: 'ares', module: 'booster' }, reason: 'as an exercise' };
  assert.equal((await alice.ask('POST', APPROVALS, ask)).status, 201);
  await seen.goto(at('/access/approvals'));
  await seen.getByLabel('Why, if you deny').fill('not today');
  await confirm('Deny', undefined, seen);
  await seen.getByText('Nothing waits for a second person.').waitFor();
  await page.goto(at('/access/approvals'));
  const denied = panel('Over').getByRole('row').filter({ hasText: 'ares' });
  await denied.getByText('denied', { exact: true }).waitFor();
  await denied.getByText('not today').waitFor();
  assert.equal((await alice.ask('POST', APPROVALS, ask)).status, 201);
  await confirm('Take back');
  await panel('Over').getByText('taken back', { exact: true }).waitFor();
  await page.getByText('Nothing waits for a second person.').waitFor();
  await picture('92-approvals-over');
  await accessible('approvals, over');
});

test('the tab speaks French, in light, and fits a telephone', async () => {
  const ask = { action: 'launch.destroy', command: { rocket: 'ares', module: 'booster' }, reason: 'x'.repeat(170) };
  const { said } = await alice.ask('POST', APPROVALS, ask);
  await seen.goto(at('/access/approvals'));
  await seen.getByLabel('Language').selectOption('fr');
  await seen.getByLabel('Couleurs').selectOption('light');
  await button('Approuver', seen).waitFor();
  await accessible('approvals in French', seen);
  await seen.screenshot({ path: artefact('93-fr-light-approvals'), fullPage: true });
  await seen.setViewportSize(NARROW);
  for (const path of ['/access/approvals', `/access/approvals/${said.id}`, '/launch/ares']) {
    await seen.goto(at(path));
    await button('Approuver', seen).waitFor();
    const width = await seen.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= NARROW.width, `${path} is ${width} px wide`);
    await seen.screenshot({ path: artefact(`94-narrow${path.replace(said.id, 'one').replaceAll('/', '-')}`), fullPage: true });
  }
  await seen.setViewportSize(WIDE);
  await alice.ask('POST', `${APPROVALS}/${said.id}/cancel`);
  await seen.getByRole('button', { name: 'Approuver' }).waitFor({ state: 'detached' });
});

test('nothing was asked elsewhere or ran against the policy', () => assert.deepEqual(complaints, []));
