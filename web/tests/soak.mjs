// The plot wall for an hour of simulated time: what it takes of a core, and whether it leaks. `make soak`.
//
// Four rockets of three modules, five figures each: 60 plots, drawn ten times a second. They stand on the pad, held,
// and fly towards the end. PORTIQUE_SOAK_MINUTES is how long it takes, 12 when it is not said: the clock of the rockets
// is as much faster as an hour is longer.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { findBrowser } from './browser.mjs';

const MINUTES = Number(process.env['PORTIQUE_SOAK_MINUTES'] ?? 12);
const HOUR_MIN = 60;
const SPEED = HOUR_MIN / MINUTES;
/** A flight is over in ten minutes. */
const FLIGHT_SHARE = 10 / HOUR_MIN;
const ROCKETS = ['alpha', 'beta', 'gamma', 'delta'];
const PLOTS = 60;
/** Samples of what it takes. */
const LOOKS = 12;
/** Of one core, for the tab. */
const SHARE_MAX = 0.5;
/** What a page may have more at the end than when every ring was full. */
const GROWTH_BYTES_MAX = 2_000_000;

const found = findBrowser();
const binary = process.env['PORTIQUE_BINARY'];
assert.ok(found.path, found.why);
assert.ok(binary && existsSync(binary), 'PORTIQUE_BINARY names no binary');
process.env['PORTIQUE_CHROMIUM'] = found.path;
// Its hub, browser and page are there once it is open.
const room = await import('./room.mjs');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const order = (rocket, what, body) => room.hub.ask('POST', `/api/v1/launch/rockets/${rocket}/count${what}`, body);

async function look(browser, tab) {
  await tab.send('HeapProfiler.collectGarbage');
  const { metrics } = await tab.send('Performance.getMetrics');
  const of = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
  const cpu = (type) => processInfo.filter((one) => one.type.toLowerCase() === type).reduce((sum, one) => sum + one.cpuTime, 0);
  return { at: performance.now() / 1000, heap: of('JSHeapUsedSize'), nodes: of('Nodes'), tab: cpu('renderer'), gpu: cpu('gpu') };
}

async function run() {
  for (const rocket of ROCKETS) {
    await room.ready(rocket, SPEED);
    await order(rocket, '', {});
    await order(rocket, '/hold', { reason: 'the soak' });
  }
  const { context, page } = room;
  await page.goto(room.at('/wall'));
  await room.signIn(room.hub.commander);
  await page.getByText(`${PLOTS} plots`).waitFor();
  const tab = await context.newCDPSession(page);
  await tab.send('Performance.enable');
  const browser = await context.browser().newBrowserCDPSession();
  const looks = [await look(browser, tab)];
  let isFlying = false;
  for (let n = 1; n <= LOOKS; n += 1) {
    if (!isFlying && n / LOOKS > 1 - FLIGHT_SHARE) {
      isFlying = true;
      for (const rocket of ROCKETS) await order(rocket, '/resume', {});
    }
    await sleep((MINUTES * 60_000) / LOOKS);
    const [before, now] = [looks.at(-1), await look(browser, tab)];
    looks.push(now);
    const share = (key) => (((now[key] - before[key]) / (now.at - before.at)) * 100).toFixed(1);
    console.log(`${((n * HOUR_MIN) / LOOKS).toFixed(0)} min of flight time: tab ${share('tab')} %, drawing process ${share('gpu')} %, heap ${(now.heap / 1e6).toFixed(2)} MB, ${now.nodes} nodes, ${isFlying ? 'in flight' : 'on the pad'}`);
  }
  const [first, last] = [looks[1], looks.at(-1)];
  const share = (last.tab - looks[0].tab) / (last.at - looks[0].at);
  const slow = await page.getByText('This browser is slow').count();
  console.log(`altogether: tab ${(share * 100).toFixed(1)} % of a core, heap ${(first.heap / 1e6).toFixed(2)} -> ${(last.heap / 1e6).toFixed(2)} MB, nodes ${first.nodes} -> ${last.nodes}${slow ? ', drawn less often now' : ''}`);
  assert.ok(share < SHARE_MAX, `the tab took ${(share * 100).toFixed(0)} % of a core`);
  assert.ok(last.heap - first.heap < GROWTH_BYTES_MAX, `the heap grew from ${first.heap} to ${last.heap} bytes`);
}

await room.open();
try {
  await run();
} finally {
  await room.close();
}
