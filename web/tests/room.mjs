// What stories share: a hub of their own, a browser, and what people do with both.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { Hub } from './hub.mjs';
import { looks } from './pictures.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const artefacts = process.env['PORTIQUE_ARTEFACTS'];
/** With `PORTIQUE_CONSOLE=dist` pages are those of `web/dist`, not those in the binary: no build of it for each try. */
const dist = process.env['PORTIQUE_CONSOLE'] === 'dist' ? fileURLToPath(new URL('../dist/', import.meta.url)) : undefined;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
/** What is not seen by then never will be; a machine that does much else at once needs longer. */
export const PATIENCE_MS = Number(process.env['PORTIQUE_PATIENCE_MS'] ?? 20_000);
/** As long as the console waits for a second click. */
const ARMED_MS = 4_000;
export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 360, height: 740 };

export let hub, context, page;
let browser;
/** What went wrong in the browser, whatever the story: requests to elsewhere, breaches of the policy, exceptions. */
export const complaints = [];

/** Starts a hub, with more lines of configuration than every hub of a story has, and a browser before it. */
export async function open(configuration = '', port = 0) {
  hub = await Hub.start(process.env['PORTIQUE_BINARY'], configuration, port);
  browser = await launch(process.env['PORTIQUE_CHROMIUM']);
  context = await visitor();
  page = await context.newPage();
  watch(page);
}

/** A browser of somebody else, with cookies of its own. */
export async function visitor() {
  const made = await browser.newContext({ viewport: WIDE, colorScheme: 'dark', locale: 'en-GB', reducedMotion: 'reduce' });
  made.setDefaultTimeout(PATIENCE_MS);
  if (dist) await made.route(`${hub.url}/console/**`, fromDist);
  return made;
}

/** The answer that the hub would give if this console were in it, under its policy. */
async function fromDist(route) {
  const { headers } = await fetch(`${hub.url}/console/`);
  const path = new URL(route.request().url()).pathname.slice('/console/'.length);
  // Sign-in by a provider is the hub's own.
  if (path === 'oidc' || path.startsWith('oidc/')) return route.continue();
  const name = path && existsSync(join(dist, path)) ? path : 'index.html';
  const policy = headers.get('content-security-policy');
  await route.fulfill({ body: readFileSync(join(dist, name)), headers: { 'content-type': TYPES[extname(name)], 'content-security-policy': policy } });
}

/** Waits until a browser was sent to this address from elsewhere. */
export async function sentTo(url, seen = page) {
  await seen.waitForURL(url);
  // Where redirects end is not for a route to answer: the page there is the binary's until it is asked for again.
  if (dist) await seen.reload();
}

export async function close() {
  await browser?.close();
  await hub?.stop();
}

export function watch(seen) {
  seen.on('request', (request) => {
    if (!request.url().startsWith(hub.url) && !request.url().startsWith('data:')) complaints.push(`asked ${request.url()}`);
  });
  seen.on('pageerror', (error) => complaints.push(String(error)));
  seen.on('console', (message) => {
    // A refusal is logged by the browser itself; the stories provoke some.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) complaints.push(message.text());
  });
}

export const at = (path) => `${hub.url}/console${path}`;
export const button = (name, within = page) => within.getByRole('button', { name, exact: true });
export const panel = (name) => page.getByRole('region', { name, exact: true }).first();
/** Where a screenshot of this name is kept. */
export const artefact = (name) => join(artefacts, `${name}.png`);
export const shoot = (name) => page.screenshot({ path: artefact(name) });
export const shootAll = (name) => page.screenshot({ path: artefact(name), fullPage: true });

/** A screenshot of a page, which has to look as it did: see `pictures.mjs`. */
export async function picture(name, seen = page) {
  await seen.screenshot({ path: artefact(name), fullPage: true });
  await looks(name, seen, artefacts);
}

/** Clicks a button that asks for a second click, twice. */
export async function confirm(name, armed = `Click again: ${name}`, within = page) {
  // On a busy machine the second click may come after the button has forgotten the first.
  await eventually(async () => {
    if (!(await button(armed, within).count())) await button(name, within).click();
    await button(armed, within).click({ timeout: ARMED_MS });
  });
}

/** Signs in with a token of the data folder. */
export async function signIn(token) {
  await button('By token').click();
  await page.getByLabel('Token').fill(token);
  await button('Sign in').click();
}

/** Signs in as a user. */
export async function signInAs(name, password, seen = page) {
  await button('By name', seen).click();
  await seen.getByLabel('Name', { exact: true }).fill(name);
  await seen.getByLabel('Password', { exact: true }).fill(password);
  await button('Sign in', seen).click();
}

/** No finding of axe-core that is serious or worse. */
export async function accessible(what, seen = page) {
  // Run by the debugger, which the page's policy does not concern.
  await seen.evaluate(axe);
  const found = await seen.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const serious = found.violations.filter((violation) => ['serious', 'critical'].includes(violation.impact));
  const told = serious.map((violation) => `${violation.id}: ${violation.nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`);
  assert.deepEqual(told, [], what);
}

/** A mission that is go for launch, by the API. */
export async function ready(rocket, speed) {
  const base = `/api/v1/launch/rockets/${rocket}`;
  await hub.ask('POST', '/api/v1/launch/rockets', { rocket, time_factor: speed, pad: `pad-${rocket}` });
  await eventually(async () => {
    const view = await hub.ask('GET', base);
    assert.equal(view.modules.filter((module) => module.up && module.sample).length, 3);
  });
  await hub.ask('POST', `${base}/weather`, { simulated: {} });
  await hub.ask('POST', `${base}/poll`, {});
  for (const station of ['weather', 'rocket', 'payload', 'telemetry']) {
    await hub.ask('POST', `${base}/poll/votes`, { station, vote: 'go' });
  }
  await hub.ask('POST', `${base}/poll/close`, { decision: 'go' });
}

/** Tries until it holds. */
export async function eventually(check) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await check();
    } catch (cause) {
      if (Date.now() > end) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** How many different colours a plot's canvas has. */
export function colours(plot) {
  return plot.locator('canvas').evaluate((canvas) => {
    const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size;
  });
}
