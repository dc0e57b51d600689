// How long a browser that knows nothing of the console takes to show it, from the hub on this machine:
// `make bench BENCH=console`. PORTIQUE_PAINT_RUNS is how often each page is opened, five times when it is not said.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { findBrowser } from './browser.mjs';

const RUNS = Number(process.env['PORTIQUE_PAINT_RUNS'] ?? 5);
const PAINT_MS_MAX = 1000;
const SCRIPT_BYTES_MAX = 250_000;
/** What stands on each page when it can be used, beside its first paint, which may be a word only. */
const PAGES = [
  { name: 'sign-in', isSignedIn: false, there: 'form input[autocomplete="username"]' },
  { name: 'overview', isSignedIn: true, there: '.panel td .badge.good' }
];

const found = findBrowser();
const binary = process.env['PORTIQUE_BINARY'];
assert.ok(found.path, found.why);
assert.ok(binary && existsSync(binary), 'PORTIQUE_BINARY names no binary');
assert.ok(!process.env['PORTIQUE_CONSOLE'], 'pages have to come from the hub: PORTIQUE_CONSOLE may not be set');
process.env['PORTIQUE_CHROMIUM'] = found.path;
const room = await import('./room.mjs');

/** Runs in the page before anything of it: keeps when it painted first, and when what is waited for was there. */
function watch(there) {
  globalThis.paint = {};
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') globalThis.paint.first = entry.startTime;
  }).observe({ type: 'paint', buffered: true });
  const look = () => {
    if (document.querySelector(there)) globalThis.paint.there ??= performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** One visit by a browser whose cache is empty: milliseconds from the request, and the scripts that came. */
async function visit(browser, page, cookies) {
  const context = await browser.newContext({ viewport: room.WIDE, locale: 'en-GB' });
  try {
    await context.addInitScript(watch, page.there);
    if (page.isSignedIn) await context.addCookies(cookies);
    const tab = await context.newPage();
    const scripts = [];
    tab.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body());
    });
    await tab.goto(room.at('/'));
    await tab.waitForFunction(() => globalThis.paint.first && globalThis.paint.there, undefined, { timeout: room.PATIENCE_MS });
    const seen = await tab.evaluate(() => globalThis.paint);
    const bytes = (await Promise.all(scripts)).reduce((sum, body) => sum + gzipSync(body, { level: 9 }).length, 0);
    return { ...seen, bytes };
  } finally {
    await context.close();
  }
}

function tell(figure, unit, values, target, note) {
  const sorted = [...values].sort((a, b) => a - b);
  const ours = sorted[Math.floor(sorted.length / 2)];
  const [min, max] = [sorted[0], sorted.at(-1)];
  console.log(`${figure.padEnd(26)} ${ours.toFixed(0).padStart(8)} ${unit}   ${min.toFixed(0)} to ${max.toFixed(0)}${target ? `, under ${target} wanted` : ''}`);
  const file = process.env['BENCH_JSON'];
  const row = { bench: 'console', figure, unit, ours, peer: null, ratio: target ? target / ours : null, target: target ?? null, runs: sorted.length, min, max, note };
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
  return ours;
}

async function run() {
  const { page, context } = room;
  await page.goto(room.at('/'));
  await room.signIn(room.hub.commander);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const cookies = await context.cookies();
  await page.close();
  const late = [];
  for (const one of PAGES) {
    const visits = [];
    for (let n = 0; n < RUNS; n += 1) visits.push(await visit(context.browser(), one, cookies));
    const first = tell(`${one.name}, first paint`, 'ms', visits.map((seen) => seen.first), PAINT_MS_MAX, 'cold cache, from the request');
    tell(`${one.name}, can be used`, 'ms', visits.map((seen) => seen.there), undefined, 'cold cache, from the request');
    if (first >= PAINT_MS_MAX) late.push(one.name);
    if (one.isSignedIn) {
      const bytes = tell('scripts, gzip', 'B', visits.map((seen) => seen.bytes), SCRIPT_BYTES_MAX, 'gzip -9 of what was sent');
      assert.ok(bytes < SCRIPT_BYTES_MAX, `scripts have ${bytes} bytes`);
    }
  }
  assert.deepEqual(late, [], 'pages painted too late');
}

await room.open();
try {
  await run();
} finally {
  await room.close();
}
