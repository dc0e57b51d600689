// A hub of its own for a test: the real binary on free ports, its data in a folder that goes with it.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A hub is ready in a second or two; a busy machine takes longer. */
const READY_MS = 60_000;

/** A rule that fires as soon as a tank is told to be hot. */
const RULES = `
groups:
  - name: tanks
    interval: 1s
    rules:
      - alert: TankHot
        expr: tank_temperature_celsius > 90
        trigger: ingest
        labels: {severity: critical}
        annotations: {summary: "Tank {{ $labels.tank }} has {{ $value }} degrees"}
`;

export class Hub {
  /** Starts one, with these lines of configuration beside those of every test, on this port or any. */
  static async start(binary, configuration = '', port = 0) {
    const folder = await mkdtemp(join(tmpdir(), 'portique-console-'));
    const data = join(folder, 'data');
    const config = join(folder, 'portique.toml');
    await writeFile(config, `[rules]\nfiles = ["rules.yml"]\nhub = false\n${configuration}`);
    await writeFile(join(folder, 'rules.yml'), RULES);
    const arguments_ = ['up', '--config', config, '--listen', `127.0.0.1:${port}`, '--data', data];
    const child = spawn(binary, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stderr.on('data', (bytes) => (log += bytes));
    const lines = createInterface({ input: child.stdout });
    const ready = new Promise((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', (code) => reject(new Error(`the hub ended with ${code}: ${log}`)));
      setTimeout(() => reject(new Error(`no hub within ${READY_MS} ms: ${log}`)), READY_MS).unref();
    });
    const url = /http=(\S+)/.exec(await ready)?.[1];
    const hub = new Hub();
    Object.assign(hub, { child, folder, url, readLog: () => log });
    hub.commander = (await readFile(join(data, 'commander.token'), 'utf8')).trim();
    hub.service = (await readFile(join(data, 'service.token'), 'utf8')).trim();
    return hub;
  }

  /** The code by which the first user is made, as the hub says it when it starts. */
  get code() {
    return /with the code ([0-9a-f]+)/.exec(this.readLog())?.[1];
  }

  /** Asks the hub's API as the commander; a refusal fails the test. */
  async ask(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.commander}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body)
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Sends a line of telemetry. */
  async write(line) {
    const headers = { authorization: `Bearer ${this.commander}` };
    const response = await fetch(`${this.url}/write`, { method: 'POST', headers, body: line });
    if (!response.ok) throw new Error(`write: ${response.status} ${await response.text()}`);
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
