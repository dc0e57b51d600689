// What people do on the pages of payments, workers, the webcast and the settings. One hub, one shift.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { NARROW, PATIENCE_MS, WIDE, accessible, artefact, at, button, close, colours, complaints, confirm, eventually, hub, open, page, panel, picture, ready, shootAll, signIn, visitor, watch } from './room.mjs';

const CASH = 'DE89370400440532013000';
const ANN = 'GB82WEST12345698765432';

/** A pool that works slowly enough to be seen, and one whose program is not there. */
const POOLS = `
[[pools]]
name = "pictures"
queue = "pictures"
program = ["sh", "-c", 'cat > /dev/null; echo "picture $PORTIQUE_JOB is <b>small</b>" >&2; sleep 0.2']
max = 3
stabilisation_s = 5
cooldown_s = 5

[[pools]]
name = "broken"
queue = "broken"
program = ["/no/such/program"]
min = 1
`;

before(() => open(POOLS));
after(close);

test('payments without an account say what to do first', async () => {
  await page.goto(at('/payments'));
  await signIn(hub.commander);
  await page.getByRole('heading', { name: 'Payments', level: 1 }).waitFor();
  await page.getByText('portique payments generate').waitFor();
  await page.getByText('nothing lost').waitFor();
  await picture('30-payments-empty');
  await accessible('payments, empty');
});

test('a transfer is sent, its refusals are shown, and it is posted once', async () => {
  await hub.ask('POST', '/api/v1/payments/accounts', [{ iban: CASH, currency: 'EUR', own: true }, { iban: ANN, currency: 'EUR' }]);
  await page.goto(at('/payments'));
  const send = panel('Send a transfer');
  await send.getByLabel('Who pays (IBAN)').fill('de89 3704 0044 0532 0130 00');
  await send.getByLabel('Who is paid (IBAN)').fill(ANN);
  await send.getByLabel('Amount').fill('250.001');
  await confirm('Send', undefined, send);
  await send.getByRole('alert').filter({ hasText: 'amount' }).waitFor();
  await shootAll('31-payments-refused');
  await send.getByLabel('Amount').fill('250.00');
  await send.getByLabel('Reference').fill('rent of <b>May</b>');
  await confirm('Send', undefined, send);
  await send.getByText('posted', { exact: true }).waitFor();
  await send.getByRole('button', { name: 'Another one' }).click();
  // What the ledger refuses is in the journal too, with the reason.
  await send.getByLabel('Who pays (IBAN)').fill(ANN);
  await send.getByLabel('Who is paid (IBAN)').fill(CASH);
  await send.getByLabel('Amount').fill('9000');
  await confirm('Send', undefined, send);
  await send.getByText('rejected', { exact: true }).waitFor();
  const counts = await hub.ask('GET', '/api/v1/payments/counts');
  assert.deepEqual([counts.accepted, counts.posted, counts.rejected, counts.drift], [2, 1, 1, 0]);
  const newest = panel('Newest in the journal');
  await newest.getByText('rent of <b>May</b>').waitFor();
  await panel('Trial balance').getByText('balanced', { exact: true }).waitFor();
  await button('Verify').click();
  await panel('Chain of the journal').getByText('whole', { exact: true }).waitFor();
  // The hub keeps its own figures every fifteen seconds.
  await page.getByText('The hub keeps no figures').waitFor({ state: 'hidden', timeout: 2 * PATIENCE_MS });
  await picture('32-payments');
  await accessible('payments');
});

test('the journal is searched, and the link of a search shows the same', async () => {
  await page.goto(at('/payments/journal'));
  const found = panel('Found, newest first');
  await found.getByText('2 shown').waitFor();
  await page.getByLabel('Words').fill('rent');
  await page.getByLabel('Status').selectOption('posted');
  await page.getByLabel('Amount from').fill('100');
  await button('Search').click();
  await page.getByText('say which currency').waitFor();
  await page.getByLabel('Currency').fill('eur');
  await button('Search').click();
  await found.getByText('1 shown').waitFor();
  await page.reload();
  await found.getByText('1 shown').waitFor();
  assert.equal(await page.getByLabel('Words').inputValue(), 'rent');
  await picture('33-payments-journal');
  await accessible('journal of payments');
  await page.getByLabel('Account').fill('nobody');
  await button('Search').click();
  await page.getByText('is not an IBAN').waitFor();
  await button('Clear').click();
  await found.getByText('2 shown').waitFor();
});

test('an account has its balance, its statement as a file, and is frozen with a second click', async () => {
  await page.goto(at('/'));
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /account/ }).waitFor();
  await page.keyboard.type('gb82 west 1234 5698 7654 32');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: ANN }).waitFor();
  await panel('Statement').getByText('rent of <b>May</b>').waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'camt.053' }).click()]);
  const file = await readFile(await download.path(), 'utf8');
  assert.match(file, /camt\.053/);
  assert.match(file, /<Amt Ccy="EUR">250\.00</);
  await confirm('Freeze');
  await page.getByText('frozen', { exact: true }).waitFor();
  assert.equal((await hub.ask('GET', `/api/v1/payments/accounts/${ANN}`)).status, 'frozen');
  await picture('34-payments-account');
  await accessible('account');
  await page.goto(at('/payments/accounts'));
  await page.getByRole('link', { name: CASH }).waitFor();
  await picture('35-payments-accounts');
  await accessible('accounts');
});

test('workers come and go with the backlog, and say why', async () => {
  const jobs = Array.from({ length: 60 }, (_, picture) => ({ payload: { picture } }));
  await hub.ask('POST', '/api/v1/queues/pictures/jobs/batch', jobs);
  await page.goto(at('/workers'));
  await page.getByRole('link', { name: 'pictures' }).first().click();
  await page.getByRole('heading', { name: 'pictures', level: 1 }).waitFor();
  const decisions = panel('Decisions that changed the number');
  await decisions.getByText('jobs wait').first().waitFor();
  await panel('Processes').getByText('ready', { exact: true }).first().waitFor();
  const plot = page.getByRole('img', { name: 'Workers', exact: true });
  await eventually(async () => assert.ok((await colours(plot)) > 3, 'a plot with lines'));
  await shootAll('40-pool');
  await accessible('pool');
  // Why there were none, before anything was queued.
  await decisions.getByRole('button').first().click();
  await decisions.getByText('jobs ready', { exact: true }).waitFor();
  const [first] = await hub.ask('GET', '/api/v1/pools/pictures/decisions?limit=1');
  await page.getByLabel('At (UTC)').fill(new Date(Date.parse(first.at) + 1000).toISOString().slice(0, 19));
  await button('Explain').click();
  await page.getByRole('heading', { name: /^Why so many, at / }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: /^Why so many, at / }).waitFor();
});

test('what workers print is read, searched and followed', async () => {
  await page.goto(at('/workers/pictures'));
  await page.getByRole('link', { name: 'Their logs' }).click();
  await page.getByRole('heading', { name: 'Logs of processes', level: 1 }).waitFor();
  const lines = page.getByRole('log');
  // What programs print is text, whatever it looks like.
  await lines.getByText('is <b>small</b>').first().waitFor();
  await picture('43-logs');
  await accessible('logs');
  const [job] = await hub.ask('POST', '/api/v1/queues/pictures/jobs/batch', [{ payload: { picture: 'another' } }]).then((made) => made.jobs ?? made);
  await page.getByLabel('Search the lines').fill(`PICTURE ${job.id ?? job} IS`);
  await eventually(async () => assert.equal(await lines.getByText('is <b>small</b>').count(), 1));
  await page.reload();
  await eventually(async () => assert.equal(await lines.getByText('is <b>small</b>').count(), 1));
  await page.getByLabel('Search the lines').fill('');
  await panel('Processes').getByRole('link', { name: /^broken-/ }).first().click();
  await lines.getByText('no program /no/such/program').first().waitFor();
  assert.equal(await lines.getByText('is <b>small</b>').count(), 0);
  await page.getByLabel('Search the lines').fill('nobody prints this');
  await page.getByText('No line with this text.').waitFor();
});

test('a person decides how many workers there are, with a second click', async () => {
  await page.goto(at('/workers/pictures'));
  await page.getByLabel('Number of workers').fill('2');
  await button('Hold at 2').click();
  // One click is not enough.
  assert.equal((await hub.ask('GET', '/api/v1/pools/pictures')).mode, 'automatic');
  await button('Click again: Hold at 2').click();
  await page.getByText('a person', { exact: true }).waitFor();
  assert.equal((await hub.ask('GET', '/api/v1/pools/pictures')).manual, 2);
  await page.getByLabel('Number of workers').fill('4');
  await confirm('Hold at 4');
  await page.getByText('Refused:').waitFor();
  await button('Dismiss').click();
  await confirm('Give back to the backlog');
  await page.getByText('the backlog', { exact: true }).waitFor();
  await confirm('Pause');
  await page.getByText('paused', { exact: true }).waitFor();
  await confirm('Resume');
  await page.getByText('the backlog', { exact: true }).waitFor();
});

test('a crash loop is named, with the last words of the worker', async () => {
  await page.goto(at('/'));
  await page.getByText('Workers of broken die again and again').click();
  await page.getByText('Crash loop: its workers die again and again').waitFor();
  await page.getByText('there is no program /no/such/program').first().waitFor();
  await shootAll('41-pool-looping');
  await accessible('pool in a crash loop');
  await page.goto(at('/workers'));
  await page.getByText('crash loop', { exact: true }).waitFor();
  await picture('42-workers');
  await accessible('workers');
});

test('the public sees a flight without signing in, marked as a rehearsal, and orders nothing', async () => {
  const anybody = await visitor();
  const seen = await anybody.newPage();
  watch(seen);
  await seen.goto(at('/webcast'));
  await seen.getByText('No rocket stands on a pad.').waitFor();
  await accessible('webcast, empty', seen);
  await fly('delta', 50);
  await seen.getByText('REHEARSAL').waitFor();
  await seen.getByRole('timer').waitFor();
  await seen.getByText('booster: liftoff').waitFor();
  await seen.getByText('booster: max q').waitFor();
  const altitude = seen.getByRole('img', { name: 'Altitude km' });
  await eventually(async () => assert.ok((await colours(altitude)) > 3, 'a plot with lines'));
  await picture('50-webcast', seen);
  await accessible('webcast', seen);
  assert.equal(await seen.getByRole('button').count(), 0);
  await seen.getByLabel('Language').selectOption('fr');
  await seen.getByLabel('Couleurs').selectOption('light');
  await seen.getByText('RÉPÉTITION').waitFor();
  await accessible('webcast in French', seen);
  await seen.setViewportSize(NARROW);
  await seen.getByRole('heading', { name: 'delta', level: 1 }).waitFor();
  assert.ok((await seen.evaluate(() => document.documentElement.scrollWidth)) <= NARROW.width);
  await seen.screenshot({ path: artefact('51-webcast-narrow'), fullPage: true });
  // What is shut is shut here too, at once.
  await hub.ask('POST', '/api/v1/launch/rockets/delta/embargo', { on: true });
  await seen.getByText('La retransmission de cette mission est fermée.').waitFor();
  assert.equal(await seen.getByRole('timer').count(), 0);
  await anybody.close();
});

test('the settings say what counts and who said so, and no secret', async () => {
  await page.goto(at('/settings'));
  const effective = panel('Configuration in effect');
  const row = (key) => effective.getByRole('row').filter({ has: page.getByRole('cell', { name: key, exact: true }) });
  await row('listen').getByText('command line or environment').waitFor();
  await row('rules.files').getByText('portique.toml:2').waitFor();
  await row('stop_grace_s').getByText('default', { exact: true }).waitFor();
  await picture('55-settings');
  await accessible('settings');
  const text = await page.locator('body').innerText();
  for (const secret of [hub.commander, hub.service]) assert.ok(!text.includes(secret));
  await page.getByLabel('Find').fill('series');
  await row('telemetry.series_max').waitFor();
  await row('listen').waitFor({ state: 'detached' });
});

test('the plot wall shows every figure of every module, and says when it is slow', async () => {
  await fly('echo', 20);
  await page.goto(at('/wall/echo'));
  await page.getByText('15 plots, the last minute of each').waitFor();
  const altitude = page.getByRole('img', { name: 'echo booster Altitude km' });
  await eventually(async () => assert.ok((await colours(altitude)) > 3, 'a line'));
  await picture('56-wall');
  await accessible('plot wall');
  // A browser that takes long for each line draws less often, and says so; nobody waits for it.
  await page.evaluate(() => {
    const { stroke } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.stroke = function (...path) {
      for (const end = performance.now() + 8; performance.now() < end; );
      stroke.apply(this, path);
    };
  });
  await page.getByText('This browser is slow').waitFor();
});

const PAGES = [
  ['/payments', 'Payments', 'Paiements'],
  ['/payments/journal', 'Payments', 'Paiements'],
  ['/payments/accounts', 'Payments', 'Paiements'],
  [`/payments/accounts/${ANN}`, 'Payments', 'Paiements'],
  ['/workers', 'Workers', 'Ouvriers'],
  ['/workers/pictures', 'pictures', 'pictures'],
  ['/logs?of=pictures', 'Logs of processes', 'Journaux des processus'],
  ['/settings', 'Settings', 'Réglages'],
  ['/wall/echo', 'Plot wall', 'Mur de courbes']
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
    await shootAll(`60-fr-light${path.split('?')[0].replaceAll('/', '-')}`);
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
    await shootAll(`61-narrow${path.split('?')[0].replaceAll('/', '-')}`);
  }
  await page.setViewportSize(WIDE);
});

/** A mission that counts and flies, by the API. */
async function fly(rocket, speed) {
  await ready(rocket, speed);
  await hub.ask('POST', `/api/v1/launch/rockets/${rocket}/count`, {});
}

test('nothing was asked elsewhere or ran against the policy', () => assert.deepEqual(complaints, []));
