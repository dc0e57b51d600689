// Runs the stories in a real browser against the real binary, or says why not and passes.
//
// Words after it name the files to run, such as `node tests/run.mjs people`; all of them without any.
// PORTIQUE_BINARY names the binary; else the one of cargo's target folder that was built last. It has to
// hold the console: `make console` before `cargo build`.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBrowser } from './browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const target = process.env['CARGO_TARGET_DIR'] ?? join(here, '../../target');
const built = ['release', 'debug'].map((profile) => join(target, profile, 'portique')).filter((path) => existsSync(path));
const newest = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
const binary = process.env['PORTIQUE_BINARY'] ?? newest;
/** All stories together take about a minute and a half on an idle machine; this ends what hangs. */
const RUN_MS = Number(process.env['PORTIQUE_RUN_MS'] ?? 600_000);

const browser = findBrowser();
if (!browser.path) skip(browser.why);
else if (!existsSync(join(here, '../dist/index.html'))) skip('the console is not built: run `make console`, then `cargo build`');
else if (!binary || !existsSync(binary)) skip('there is no binary: run `cargo build`, or set PORTIQUE_BINARY');
else run();

function skip(why) {
  console.log(`console in a browser: SKIPPED, ${why}`);
}

function run() {
  const artefacts = join(here, '../artefacts');
  mkdirSync(artefacts, { recursive: true });
  const wanted = process.argv.slice(2);
  const stories = ['approvals', 'people', 'providers', 'stories', 'systems'].filter((name) => !wanted.length || wanted.includes(name));
  const files = stories.map((name) => join(here, `${name}.test.mjs`));
  const env = { ...process.env, PORTIQUE_BINARY: binary, PORTIQUE_CHROMIUM: browser.path, PORTIQUE_ARTEFACTS: artefacts };
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=tap', ...files], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  // With the hub and the browser, which are of its group.
  const end = () => process.kill(-child.pid, 'SIGKILL');
  const late = setTimeout(end, RUN_MS);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (end(), process.exit(1)));
  let output = '';
  child.stdout.on('data', (bytes) => {
    output += bytes;
    process.stdout.write(bytes);
  });
  child.once('exit', (code) => {
    clearTimeout(late);
    const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
    const failed = count('fail') + count('cancelled') + (code === 0 || count('fail') ? 0 : 1);
    // In cargo's words, so that one sum counts all tests of the project.
    console.log(`test result: ${failed ? 'FAILED' : 'ok'}. ${count('pass')} passed; ${failed} failed; ${count('skipped')} ignored; in a browser`);
    process.exitCode = failed ? 1 : 0;
  });
}
