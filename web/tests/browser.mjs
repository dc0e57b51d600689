// Debian's chromium, driven by playwright-core: nothing is downloaded but what the lock file names.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** An installation that takes longer is left to people. */
const INSTALL_MS = 60_000;

/** Where the browser is; installed first when there is none and we may. Without one, undefined and the reason. */
export function findBrowser() {
  const named = process.env['PORTIQUE_CHROMIUM'];
  const found = () => (named ? [named] : PLACES).find((place) => existsSync(place));
  if (found()) return { path: found() };
  if (named) return { why: `PORTIQUE_CHROMIUM names ${named}, which is not there` };
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return { why: 'there is no chromium: install it (Debian: apt-get install chromium), or set PORTIQUE_CHROMIUM' };
  }
  const install = 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium';
  spawnSync('sh', ['-c', install], { timeout: INSTALL_MS, stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  return found() ? { path: found() } : { why: `chromium was not installed within ${INSTALL_MS / 1000} s` };
}

export function launch(path) {
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}
