// What people do with the console, in a real browser. The stories share one hub and follow each other, as a shift does.
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { after, before, test } from 'node:test';
import { NARROW, PATIENCE_MS, WIDE, accessible, at, button, close, colours, complaints, confirm, context, eventually, hub, open, page, panel, picture, ready, shoot, shootAll, signIn, watch } from './room.mjs';
import { SHARE_MAX, differs } from './pictures.mjs';

/** A simulated flight of ten minutes, twenty times as fast, on a machine that does other things too. */
const FLIGHT_MS = 120_000 + PATIENCE_MS;
const SCRIPT_BYTES_MAX = 250_000;

before(() => open());
after(close);

test('a wrong token is refused, the right one opens the console and is kept nowhere', async () => {
  await page.goto(at('/queues'));
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await picture('01-sign-in');
  await accessible('sign-in');
  await signIn('0'.repeat(64));
  await page.getByText('this token opens no session').waitFor();
  await shoot('02-refused');
  await signIn(hub.commander);
  // The page that was asked for, not another one.
  await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor();
  const [cookie] = await context.cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Strict');
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href + document.cookie);
  assert.ok(!kept.includes(hub.commander) && !kept.includes(cookie.value), 'no secret where scripts or histories are');
  await page.reload();
  await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor();
  assert.ok(!hub.readLog().includes(hub.commander), 'no secret in the log');
});

test('an empty hub says what to do first', async () => {
  await page.goto(at('/'));
  await page.getByText('portique launch add alpha').waitFor();
  await page.getByText('Connected').waitFor();
  await picture('03-overview-empty');
  await accessible('overview, empty');
  await page.getByRole('link', { name: 'Fly a rehearsal' }).click();
  await page.getByRole('heading', { name: 'Launches', level: 1 }).waitFor();
});

test('a launch is flown by clicks', async () => {
  await page.getByRole('link', { name: 'Launch', exact: true }).click();
  // A name is there for whoever has none in mind.
  assert.equal(await page.getByLabel('Rocket').inputValue(), 'alpha');
  await page.getByLabel('Speed').selectOption('×20');
  await button('Bring to the pad').click();
  await page.getByRole('heading', { name: 'alpha', level: 1 }).waitFor();
  await page.getByText('Simulated: nothing real flies').waitFor();
  await panel('Modules').getByText('booster').waitFor();
  await step('Weather');
  await button('Report a calm day').click();
  await page.getByText('The weather is reported. Open the poll.').waitFor();
  await step('Poll');
  await button('Open the poll').click();
  await page.getByText('Let each station answer, under “Poll”: 0 of 4 have.').waitFor();
  await picture('04-mission-poll');
  await accessible('mission, poll open');
  for (const station of ['weather', 'rocket', 'payload', 'telemetry']) {
    await button('Go', page.getByRole('group', { name: station, exact: true })).click();
  }
  await page.getByText('Every station says go. Decide.').waitFor();
  await step('Decision');
  await confirm('Go for launch');
  await step('Count');
  await confirm('Start the count');
  await page.getByText('booster: max q').first().waitFor({ timeout: FLIGHT_MS });
  await step('Flight');
  await page.getByText(/^limit booster \d/).waitFor();
  await panel('Orders').getByRole('listitem').filter({ hasText: 'booster start engines' }).getByText('completed').waitFor();
  await shootAll('06-mission-flight');
  await page.getByText('flight over', { exact: true }).waitFor({ timeout: FLIGHT_MS });
  await page.getByText('payload delivered, booster landed', { exact: true }).waitFor();
  await page.getByText('success', { exact: true }).waitFor();
  await panel('Mission log').getByText('booster: landed').waitFor();
  await shootAll('07-mission-over');
});

test('a flight is seen again by whoever comes later', async () => {
  await page.goto(at('/launch/alpha'));
  await panel('Mission log').getByText('booster: liftoff').waitFor();
  const altitude = page.getByRole('img', { name: 'Altitude km' });
  await altitude.locator('canvas').waitFor();
  await eventually(async () => assert.ok((await colours(altitude)) > 3, 'a plot with lines'));
});

test('a flight is aborted with a second click', async () => {
  await ready('beta', 20);
  await page.goto(at('/launch/beta'));
  await confirm('Start the count');
  await page.getByText('in flight', { exact: true }).waitFor({ timeout: FLIGHT_MS });
  const abort = 'Abort: destroy booster';
  await button(abort).dblclick();
  // One click is not enough, and neither is one that slipped.
  assert.equal((await hub.ask('GET', '/api/v1/launch/rockets/beta')).modules.some((module) => module.last_order?.order === 'destroy'), false);
  await button(`Click again: ${abort}`).click();
  await panel('Mission log').getByText('booster ordered: destroy').waitFor();
  await shootAll('08-mission-abort');
  await page.getByText('flight over', { exact: true }).waitFor({ timeout: FLIGHT_MS });
  assert.notEqual((await hub.ask('GET', '/api/v1/launch/rockets/beta')).outcome, 'success');
});

test('a count is held, goes on, and is scrubbed', async () => {
  await ready('gamma', 1);
  await page.goto(at('/launch/gamma'));
  await confirm('Start the count');
  // A count of a minute leaves time for that on any machine.
  await button('Hold').click();
  await page.getByText('Held: from the console', { exact: true }).waitFor();
  await shootAll('05-mission-hold');
  await accessible('mission, held');
  await page.getByText('Give an order').click();
  await page.getByLabel('Order', { exact: true }).selectOption('make safe');
  await confirm('Order: make safe');
  await panel('Orders').getByRole('listitem').filter({ hasText: 'booster make safe' }).getByText(/^(accepted|completed)$/).waitFor();
  await confirm('Resume');
  await page.getByText('counting', { exact: true }).waitFor();
  await page.getByLabel('Reason (stands in the log)').fill('boat in the range');
  await confirm('Scrub');
  await page.getByText('scrubbed', { exact: true }).waitFor();
  await page.getByLabel('Search the log').fill('boat range');
  await page.getByText('lines: 1').waitFor();
  assert.equal(await panel('Mission log').getByRole('row').count(), 1);
  await page.goto(at('/launch'));
  await page.getByRole('link', { name: /gamma/ }).waitFor();
  await picture('09-board');
  await accessible('board');
});

test('a dead letter is mended and replayed', async () => {
  await hub.ask('PUT', '/api/v1/queues/mail', { retry: { attempts: 1 } });
  await hub.ask('POST', '/api/v1/queues/mail/jobs?kind=welcome', { to: 'ann.example.org' });
  await hub.ask('POST', '/api/v1/queues/mail/jobs?kind=welcome&delay_s=3600', { to: 'bob@example.org' });
  const [job] = await hub.ask('POST', '/api/v1/queues/mail/claim');
  await hub.ask('POST', '/api/v1/jobs/fail', [{ id: job.id, token: job.token, reason: 'no @ in <b>ann.example.org</b>', reject: true }]);
  await page.goto(at('/'));
  await page.getByText('1 dead in mail').click();
  // What others wrote is text, whatever it looks like.
  await page.getByText('no @ in <b>ann.example.org</b>').waitFor();
  await picture('10-queue-dead');
  await accessible('queue with a dead letter');
  await button('Mend the payload').click();
  await page.getByLabel('Payload').fill('{"to": ');
  await page.getByText('This is not JSON').waitFor();
  await page.getByLabel('Payload').fill('{"to": "ann@example.org"}');
  await shootAll('11-queue-mend');
  await button('Save and replay').click();
  await page.getByText('Replayed: 1').waitFor();
  const [again] = await hub.ask('POST', '/api/v1/queues/mail/claim');
  assert.deepEqual([again.id, again.payload.value], [job.id, { to: 'ann@example.org' }]);
  await page.goto(at('/queues'));
  await page.getByRole('link', { name: 'mail' }).waitFor();
  await picture('12-queues');
  await accessible('queues');
});

test('a page that falls apart no longer looks like its picture', async () => {
  const unstyled = () => [...document.styleSheets].forEach((sheet) => (sheet.disabled = true));
  const withoutNavigation = () => document.querySelector('nav').remove();
  const inOtherColours = () => document.documentElement.style.setProperty('--panel', '#5a2a2a');
  for (const spoil of [unstyled, withoutNavigation, inOtherColours]) {
    await page.goto(at('/queues'));
    await page.getByRole('link', { name: 'mail' }).waitFor();
    assert.ok((await differs('12-queues', page)) < SHARE_MAX, 'as it is');
    await page.evaluate(spoil);
    assert.ok((await differs('12-queues', page)) > 2 * SHARE_MAX, spoil.name);
  }
});

test('a query is completed as it is written', async () => {
  await page.goto(at('/telemetry'));
  const line = page.getByLabel('PromQL');
  await line.pressSequentially('sum(launch_propell');
  await page.getByRole('option', { name: 'launch_propellant_kilograms' }).waitFor();
  await line.press('ArrowDown');
  await line.press('Enter');
  assert.equal(await line.inputValue(), 'sum(launch_propellant_kilograms');
  await line.pressSequentially('{modu');
  await page.getByRole('option', { name: 'module' }).waitFor();
  await line.press('Tab');
  await page.getByRole('option', { name: 'booster' }).click();
  await line.pressSequentially('})');
  assert.equal(await line.inputValue(), 'sum(launch_propellant_kilograms{module="booster"})');
  await accessible('telemetry, a query is written');
  await line.press('Enter');
  await page.getByRole('img', { name: 'sum(launch_propellant_kilograms{module="booster"})' }).locator('canvas').waitFor();
});

test('a query is plotted, and its link shows the same to others', async () => {
  await page.goto(at('/telemetry'));
  await page.getByLabel('PromQL').fill('launch_propellant_kilograms{rocket="alpha"}');
  await button('15 min').click();
  const plot = page.getByRole('img', { name: 'launch_propellant_kilograms{rocket="alpha"}' });
  await plot.locator('canvas').waitFor();
  await eventually(async () => assert.ok((await colours(plot)) > 3, 'a plot with lines'));
  assert.equal(await panel('Table').getByRole('row').count(), 4);
  await picture('13-telemetry');
  await accessible('telemetry');
  const other = await context.newPage();
  watch(other);
  await other.goto(page.url());
  await other.getByText('module="booster"', { exact: false }).first().waitFor();
  await other.close();
  await page.getByLabel('PromQL').fill('sum by (');
  await button('Run').click();
  await page.getByRole('alert').first().waitFor();
});

test('events appear as they happen', async () => {
  await page.goto(at('/events?filter=shop.>'));
  await page.getByText('Live', { exact: true }).waitFor();
  await hub.ask('POST', '/api/v1/events?subject=shop.orders.paid&type=com.example.payment', { order: 7 });
  await hub.ask('POST', '/api/v1/events?subject=plant.pump&type=x', {});
  await hub.ask('POST', '/api/v1/events?subject=shop.orders.sent&type=com.example.parcel', { order: 7, note: '<img src=x onerror=alert(1)>' });
  await panel('As they happen').getByText('shop.orders.sent').waitFor();
  assert.equal(await page.getByText('plant.pump').count(), 0);
  await page.getByText('<img src=x').click();
  await picture('14-events');
  await accessible('events');
});

test('an alert is explained, acknowledged, silenced', async () => {
  await hub.write('tank,tank=t1 temperature_celsius=97');
  await page.goto(at('/alerts'));
  await page.getByText('TankHot').first().click();
  await page.getByText('Tank t1 has 97 degrees').first().waitFor();
  await page.getByText('rules.yml:').waitFor();
  await button('Acknowledge').click();
  await page.getByText('acknowledged by commander').first().waitFor();
  await button('Silence 2 h').click();
  await panel('Silences').getByText('alertname="TankHot"').waitFor();
  await button('Shelve 1 h').click();
  await page.getByText('shelved by commander').waitFor();
  await panel('Routes and deliveries').getByText('in no way', { exact: true }).waitFor();
  await picture('15-alerts');
  await accessible('alerts');
});

test('the keyboard finds a mission', async () => {
  await page.goto(at('/'));
  await panel('Missions').getByText('alpha').waitFor();
  await shootAll('16-overview');
  await accessible('overview');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('alph');
  await shoot('17-search');
  await accessible('search');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'alpha', level: 1 }).waitFor();
});

test('it speaks French and remembers it, in light and dark', async () => {
  await page.goto(at('/'));
  await page.getByLabel('Language').selectOption('fr');
  await page.getByRole('heading', { name: 'Aperçu' }).waitFor();
  await page.getByLabel('Couleurs').selectOption('light');
  for (const [path, heading, name] of [
    ['/', 'Aperçu', '18-overview-fr-light'],
    ['/launch/alpha', 'alpha', '19-mission-fr-light'],
    ['/queues/mail', 'mail', '20-queue-fr-light'],
    ['/alerts', 'Alertes', '21-alerts-fr-light']
  ]) {
    await page.goto(at(path));
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
    await page.getByText('Connecté').waitFor();
    if (path.startsWith('/launch')) await page.getByRole('img', { name: 'Altitude km' }).waitFor();
    await accessible(name);
    await shootAll(name);
  }
  await page.getByLabel('Langue').selectOption('en');
  await page.getByLabel('Colours').selectOption('dark');
});

test('every page fits a telephone', async () => {
  await page.setViewportSize(NARROW);
  for (const path of ['/', '/launch', '/launch/alpha', '/queues', '/queues/mail', '/events', '/telemetry?q=up&range=15m', '/alerts']) {
    await page.goto(at(path));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByText('Connected').waitFor();
    if (path === '/launch/alpha') await page.getByRole('img', { name: 'Altitude km' }).waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= NARROW.width, `${path} is ${width} px wide`);
    await shootAll(`22-narrow${path.split('?')[0].replaceAll('/', '-')}`);
  }
  await page.setViewportSize(WIDE);
});

test('the services’ token gives no orders', async () => {
  await page.goto(at('/launch/gamma'));
  await button('Sign out').click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(hub.service);
  await page.getByText('Needs the permission launch:').waitFor();
  assert.equal(await button('Open the poll').count(), 0);
});

test('a hub that goes away is said, and one that comes back is found', async () => {
  await context.setOffline(true);
  await page.getByText('Hub lost').waitFor();
  await shoot('23-hub-lost');
  await context.setOffline(false);
  await page.getByText('Connected').waitFor();
});

test('signing out ends the session', async () => {
  const [cookie] = await context.cookies();
  await button('Sign out').click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const headers = { cookie: `${cookie.name}=${cookie.value}` };
  const late = await fetch(`${hub.url}/api/v1/dead`, { headers });
  assert.equal(late.status, 401);
});

test('the scripts are small, and nothing was asked elsewhere or ran against the policy', async () => {
  const html = await (await fetch(at('/'))).text();
  const scripts = [...html.matchAll(/src="([^"]+\.js)"/g)].map((match) => match[1]);
  assert.ok(scripts.length > 0);
  let bytes = 0;
  for (const script of scripts) {
    const raw = await fetchRaw(hub.url + script);
    assert.ok(gunzipSync(raw).length > raw.length);
    bytes += raw.length;
  }
  assert.ok(bytes < SCRIPT_BYTES_MAX, `${bytes} bytes of scripts, compressed`);
  assert.deepEqual(complaints, []);
});

/** Waits until a launch is at this step. */
async function step(name) {
  await page.getByRole('list', { name: 'Steps of a launch' }).locator('[aria-current="step"]', { hasText: name }).waitFor();
}

/** The bytes as they come over the wire. */
async function fetchRaw(url) {
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
      assert.equal(response.headers['content-encoding'], 'gzip');
      assert.match(response.headers['cache-control'], /immutable/);
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts)));
    }).on('error', reject);
  });
}
