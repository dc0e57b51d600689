// One role of a BullMQ benchmark, as a process of its own, so that producer and worker use both processors.
//
//   node drive.mjs bulk  PORT JOBS BATCH       adds JOBS by addBulk
//   node drive.mjs add   PORT JOBS IN_FLIGHT   adds JOBS one by one, so many not yet answered
//   node drive.mjs paced PORT RATE SECONDS     adds RATE jobs a second, whatever the answers do
//   node drive.mjs work  PORT JOBS CONCURRENCY completes JOBS
//
// Each writes JSON lines: {"ready":true} for a worker, then one line with its figures. Times are milliseconds
// since 1970, so that those of two processes can be subtracted.

import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Queue, Worker } from 'bullmq';

const QUEUE = 'bench';
const PAYLOAD_BYTES = 200;
const [role, port, ...numbers] = process.argv.slice(2);
const [first, second] = numbers.map(Number);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };

const now = () => performance.timeOrigin + performance.now();
const say = (figures) => writeSync(1, `${JSON.stringify(figures)}\n`);

function payload(number, due) {
  const job = { number, due, padding: '' };
  job.padding = 'x'.repeat(Math.max(0, PAYLOAD_BYTES - JSON.stringify(job).length));
  return job;
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function open() {
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  return queue;
}

async function bulk(jobs, batch) {
  const queue = await open();
  const start = now();
  for (let from = 0; from < jobs; from += batch) {
    const length = Math.min(batch, jobs - from);
    await queue.addBulk(Array.from({ length }, (_, i) => ({ name: 'job', data: payload(from + i, now()) })));
  }
  say({ start, seconds: (now() - start) / 1000 });
  await queue.close();
}

async function add(jobs, inFlight) {
  const queue = await open();
  const start = now();
  let next = 0;
  const lane = async () => {
    while (next < jobs) {
      const number = next++;
      await queue.add('job', payload(number, now()));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  say({ start, seconds: (now() - start) / 1000 });
  await queue.close();
}

async function paced(rate, seconds) {
  const queue = await open();
  const start = now();
  const jobs = rate * seconds;
  const answers = [];
  let next = 0;
  await new Promise((finished) => {
    const turn = () => {
      const due = Math.min(jobs, Math.floor(((now() - start) / 1000) * rate));
      while (next < due) {
        answers.push(queue.add('job', payload(next, start + (next * 1000) / rate)));
        next++;
      }
      next < jobs ? setTimeout(turn, 1) : finished();
    };
    turn();
  });
  await Promise.all(answers);
  say({ start, seconds: (now() - start) / 1000 });
  await queue.close();
}

async function work(jobs, concurrency) {
  let done = 0;
  const latencies = [];
  const worker = new Worker(QUEUE, async (job) => job.data.number, { connection, concurrency, autorun: false });
  const finished = new Promise((resolve) => {
    worker.on('completed', (job) => {
      latencies.push(now() - job.data.due);
      if (++done === jobs) resolve();
    });
  });
  worker.on('error', (error) => console.error(error.message));
  await worker.waitUntilReady();
  say({ ready: true });
  worker.run();
  await finished;
  const end = now();
  latencies.sort((a, b) => a - b);
  const cpu = process.cpuUsage();
  say({
    end,
    p50_ms: percentile(latencies, 0.5),
    p99_ms: percentile(latencies, 0.99),
    max_ms: latencies.at(-1),
    cpu_s: (cpu.user + cpu.system) / 1e6,
  });
  await worker.close(true);
  process.exit(0);
}

await { bulk, add, paced, work }[role](first, second);
