// HTTP in: a body of NDJSON becomes one job of the queue `inject`, answered when Redis has it.
//
//   node inject.mjs REDIS_PORT POSTGRES_PORT PORT

import { createServer } from 'node:http';
import { Queue } from 'bullmq';
import { resolve } from './money.mjs';
import { connection, database, jobs, rest } from './setting.mjs';

const BODY_BYTES_MAX = 1 << 20;
const inject = new Queue('inject', { connection, defaultJobOptions: jobs });
const journal = new Queue('journal', { connection });
const db = database(2);

function body(request) {
  return new Promise((taken, failed) => {
    const chunks = [];
    let bytes = 0;
    request.on('data', (chunk) => {
      bytes += chunk.length;
      bytes > BODY_BYTES_MAX ? request.destroy() : chunks.push(chunk);
    });
    request.on('end', () => taken(Buffer.concat(chunks).toString()));
    request.on('error', failed);
  });
}

async function transactions(request) {
  const received = new Date().toISOString();
  const rows = [];
  const refused = [];
  for (const [index, line] of (await body(request)).split('\n').entries()) {
    if (line === '') continue;
    let row;
    try {
      row = resolve(JSON.parse(line), received);
    } catch (error) {
      row = error.message;
    }
    typeof row === 'string' ? refused.push({ line: index + 1, reason: row }) : rows.push(row);
  }
  if (rows.length > 0) await inject.add('batch', rows);
  return [202, { taken: rows.length, refused }];
}

async function accounts(request) {
  const opened = JSON.parse(await body(request));
  const [ibans, currencies, overdrafts] = ['iban', 'currency', 'overdraft_minor'].map((name) =>
    opened.map((account) => account[name] ?? null));
  await db.query('INSERT INTO accounts SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])',
    [ibans, currencies, overdrafts]);
  return [201, {}];
}

// What is in each place, for whoever waits until all is searchable.
async function counts() {
  const states = ['waiting', 'active', 'delayed', 'failed'];
  const [first, second] = await Promise.all([inject, journal].map((queue) => queue.getJobCounts(...states)));
  return [200, { inject: first, journal: second }];
}

async function check() {
  const answer = await db.query(`SELECT (SELECT count(*) FROM journal) AS journalled,
    (SELECT count(*) FROM transactions WHERE reason IS NULL) AS posted,
    (SELECT coalesce(sum(minor), 0) FROM entries) AS entries_sum,
    (SELECT coalesce(sum(balance_minor), 0) FROM accounts) AS balances_sum`);
  const numbers = Object.entries(answer.rows[0]).map(([name, value]) => [name, Number(value)]);
  return [200, Object.fromEntries(numbers)];
}

const routes = {
  'POST /transactions': transactions,
  'POST /accounts': accounts,
  'GET /counts': counts,
  'GET /check': check,
};

const server = createServer(async (request, response) => {
  const route = routes[`${request.method} ${request.url}`];
  const [status, answer] = route ? await route(request).catch((error) => [500, { error: error.message }]) : [404, {}];
  const text = JSON.stringify(answer);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
});
await inject.waitUntilReady();
server.listen(rest[0], '127.0.0.1');
