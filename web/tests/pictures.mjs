// Whether a page still looks as it did: its screenshot beside a small picture of it that is kept in `pictures/`.
//
// Both are compared at an eighth of the page's size, where letters are grey and layout is what is left: another
// version of a font or of the browser passes, a panel that moved, lost its colours or fell apart does not. Figures,
// times, plots and paths differ from run to run and are left out of the picture.
//
// PORTIQUE_PICTURES=write keeps what is seen from now on; look at the screenshots in `artefacts` before it is committed.
// PORTIQUE_PICTURES=off compares nothing, for machines with other fonts than Debian's DejaVu.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('./pictures/', import.meta.url));
const MODE = process.env['PORTIQUE_PICTURES'] ?? 'compare';
const SCALE = 8;
/** Of 255: a colour that differs by more in one channel is another one. */
const CHANNEL_MAX = 12;
/** The share of a picture that may be another. */
export const SHARE_MAX = 0.02;
/** What differs from run to run: it keeps its place and is not seen. */
const LIVE = '.log table { display: none !important; } canvas, svg.plot, .num, .age, time, .mono, code, pre, .lines p, .notices, .lead, [role="timer"], svg polyline, svg path.trace { visibility: hidden !important; } * { caret-color: transparent !important; }';

/** So often is a page looked at again, which may not have come to rest. */
const LOOKS_MAX = 5;
const LOOK_AGAIN_MS = 1_000;

/** Fails when this page no longer looks like the picture of that name. */
export async function looks(name, page, artefacts) {
  if (MODE === 'off') return;
  let seen = await small(page);
  const path = join(FOLDER, `${name}.png`);
  if (MODE === 'write') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, Buffer.from(seen, 'base64'));
    return;
  }
  assert.ok(existsSync(path), `there is no picture of ${name} yet: PORTIQUE_PICTURES=write keeps one`);
  const kept = readFileSync(path).toString('base64');
  let { share, difference } = await compare(page, seen, kept);
  for (let look = 1; look < LOOKS_MAX && share > SHARE_MAX; look += 1) {
    await page.waitForTimeout(LOOK_AGAIN_MS);
    seen = await small(page);
    ({ share, difference } = await compare(page, seen, kept));
  }
  if (share <= SHARE_MAX) return;
  writeFileSync(join(artefacts, `${name}-seen.png`), Buffer.from(seen, 'base64'));
  writeFileSync(join(artefacts, `${name}-difference.png`), Buffer.from(difference, 'base64'));
  assert.fail(`${name} looks different: ${(share * 100).toFixed(1)} % of it, at most ${SHARE_MAX * 100} % may be. See web/artefacts/${name}-difference.png; PORTIQUE_PICTURES=write keeps what it looks like now`);
}

/** How much of a page is another than in a picture, from 0 to 1. */
export async function differs(name, page) {
  const kept = readFileSync(join(FOLDER, `${name}.png`)).toString('base64');
  return (await compare(page, await small(page), kept)).share;
}

/** What a page looks like at an eighth of its size, as a PNG in base64. */
async function small(page) {
  // Not a style element, which the page's policy forbids.
  await page.evaluate((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }, LIVE);
  const shot = await page.screenshot({ animations: 'disabled' });
  await page.evaluate(() => (document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1)));
  return drawn(page, (tool) => tool.evaluate(shrink, [shot.toString('base64'), SCALE]));
}

function compare(page, seen, kept) {
  return drawn(page, (tool) => tool.evaluate(hold, [seen, kept, CHANNEL_MAX]));
}

/** Does something with pictures in a page of nobody's, which has no policy. */
async function drawn(page, act) {
  const context = await page.context().browser().newContext();
  try {
    return await act(await context.newPage());
  } finally {
    await context.close();
  }
}

/** Runs in the browser: each pixel is the mean of a square. */
async function shrink([base64, scale]) {
  const image = new Image();
  image.src = `data:image/png;base64,${base64}`;
  await image.decode();
  const draw = (width, height) => Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
  const large = draw(image.width, image.height);
  large.drawImage(image, 0, 0);
  const [width, height] = [Math.floor(image.width / scale), Math.floor(image.height / scale)];
  const from = large.getImageData(0, 0, image.width, image.height).data;
  const target = draw(width, height);
  const to = target.createImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const sums = [0, 0, 0];
      for (let dy = 0; dy < scale; dy += 1) {
        for (let dx = 0; dx < scale; dx += 1) {
          const at = ((y * scale + dy) * image.width + x * scale + dx) * 4;
          for (let channel = 0; channel < 3; channel += 1) sums[channel] += from[at + channel];
        }
      }
      const at = (y * width + x) * 4;
      for (let channel = 0; channel < 3; channel += 1) to.data[at + channel] = sums[channel] / scale ** 2;
      to.data[at + 3] = 255;
    }
  }
  target.putImageData(to, 0, 0);
  return target.canvas.toDataURL('image/png').split(',')[1];
}

/** Runs in the browser: the share of pixels that are another, and a picture of where. */
async function hold([seen, kept, channelMax]) {
  const pixels = async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const context = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height }).getContext('2d');
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [one, other] = [await pixels(seen), await pixels(kept)];
  if (one.width !== other.width || one.height !== other.height) return { share: 1, difference: seen };
  let count = 0;
  for (let at = 0; at < one.data.length; at += 4) {
    const isOther = [0, 1, 2].some((channel) => Math.abs(one.data[at + channel] - other.data[at + channel]) > channelMax);
    if (!isOther) continue;
    count += 1;
    one.data.set([255, 0, 0, 255], at);
  }
  const context = Object.assign(document.createElement('canvas'), { width: one.width, height: one.height }).getContext('2d');
  context.putImageData(one, 0, 0);
  return { share: count / (one.width * one.height), difference: context.canvas.toDataURL('image/png').split(',')[1] };
}
