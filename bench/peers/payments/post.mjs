// Posts batches to the ledger, each in one transaction of PostgreSQL: accounts locked in one order, keys taken,
// balances checked in the order of the batch, two entries for each transfer, balances moved once an account.
//
//   node post.mjs REDIS_PORT POSTGRES_PORT CONCURRENCY ROWS
//
// ROWS of a job share a transaction and a journal job: all of them, or 1 as in pipelines that store one by one.

import { Queue, Worker } from 'bullmq';
import { columns } from './money.mjs';
import { connection, database, jobs, rest } from './setting.mjs';

const [concurrency, rowsMax] = rest;
const db = database(concurrency);
const journal = new Queue('journal', { connection, defaultJobOptions: jobs });

const LOCK = {
  name: 'lock',
  text: `SELECT iban, currency, status, balance_minor::float8 AS balance, overdraft_minor::float8 AS overdraft
    FROM accounts WHERE iban = ANY($1::text[]) ORDER BY iban FOR UPDATE`,
};
const TAKE = {
  name: 'take',
  text: `INSERT INTO transactions SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
    $6::bigint[], $7::text[], $8::timestamptz[], $9::text[]) ON CONFLICT (key) DO NOTHING RETURNING key`,
};
const MOVE = {
  name: 'move',
  text: `WITH written AS (INSERT INTO entries SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]))
    UPDATE accounts SET balance_minor = balance_minor + moved.minor
    FROM unnest($4::text[], $5::bigint[]) AS moved(iban, minor) WHERE accounts.iban = moved.iban`,
};
const REJECT = {
  name: 'reject',
  text: `UPDATE transactions SET reason = rejected.reason
    FROM unnest($1::text[], $2::text[]) AS rejected(key, reason) WHERE transactions.key = rejected.key`,
};

// Why a transfer cannot be posted, or nothing; the accounts are as the batch has left them so far.
function rejection(debtor, creditor, minor, currency) {
  if (!debtor || !creditor) return 'unknown account';
  if (debtor.status !== 'open' || creditor.status === 'closed') return 'account does not take part';
  if (debtor.currency !== currency || creditor.currency !== currency) return 'currency mismatch';
  if (debtor.overdraft !== null && debtor.balance + debtor.overdraft < minor) return 'insufficient funds';
  return null;
}

function decide(rows, fresh, accounts) {
  const entries = [[], [], []];
  const rejected = [[], []];
  const moved = new Map();
  const enter = (key, account, minor) => {
    account.balance += minor;
    moved.set(account.iban, (moved.get(account.iban) ?? 0) + minor);
    entries[0].push(key);
    entries[1].push(account.iban);
    entries[2].push(minor);
  };
  for (const [key, , , from, to, minor, currency] of rows) {
    if (!fresh.delete(key)) continue;
    const [debtor, creditor] = [accounts.get(from), accounts.get(to)];
    const reason = rejection(debtor, creditor, minor, currency);
    if (reason) {
      rejected[0].push(key);
      rejected[1].push(reason);
    } else {
      enter(key, debtor, -minor);
      enter(key, creditor, minor);
    }
  }
  return { entries, rejected, moved: [[...moved.keys()], [...moved.values()]] };
}

async function post(client, rows) {
  const [keys, ids, kinds, debtors, creditors, ...others] = columns(rows);
  const ibans = [...new Set(debtors.concat(creditors))];
  const locked = await client.query({ ...LOCK, values: [ibans] });
  const accounts = new Map(locked.rows.map((account) => [account.iban, account]));
  const taken = await client.query({ ...TAKE, values: [keys, ids, kinds, debtors, creditors, ...others] });
  const fresh = new Set(taken.rows.map((row) => row.key));
  const { entries, rejected, moved } = decide(rows, fresh, accounts);
  if (entries[0].length > 0) await client.query({ ...MOVE, values: [...entries, ...moved] });
  if (rejected[0].length > 0) await client.query({ ...REJECT, values: rejected });
  return new Map(rejected[0].map((key, i) => [key, rejected[1][i]]));
}

async function committed(rows) {
  const client = await db.connect();
  try {
    await client.query('BEGIN');
    const reasons = await post(client, rows);
    await client.query('COMMIT');
    return reasons;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

async function batch(job) {
  for (let first = 0; first < job.data.length; first += rowsMax) {
    const rows = job.data.slice(first, first + rowsMax);
    const reasons = await committed(rows);
    const at = new Date().toISOString();
    const posted = rows.map(([key, id, , debtor, creditor, minor, currency, , reference]) =>
      [key, id, at, debtor, creditor, minor, currency, reference, reasons.get(key) ?? null]);
    // Delivered again, it is the same job.
    await journal.add('posted', posted, { jobId: `posted-${job.id}-${first}` });
  }
}

const worker = new Worker('inject', batch, { connection, concurrency });
worker.on('error', (error) => console.error(error.message));
worker.on('failed', (job, error) => console.error(`${job?.id}: ${error.message}`));
