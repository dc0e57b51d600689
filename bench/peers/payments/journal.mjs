// Makes posted batches searchable, one statement a batch.
//
//   node journal.mjs REDIS_PORT POSTGRES_PORT CONCURRENCY

import { Worker } from 'bullmq';
import { columns } from './money.mjs';
import { connection, database, rest } from './setting.mjs';

const [concurrency] = rest;
const db = database(concurrency);
const INSERT = {
  name: 'insert',
  text: `INSERT INTO journal SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[],
    $6::bigint[], $7::text[], $8::text[], $9::text[]) ON CONFLICT (key) DO NOTHING`,
};

const write = (job) => db.query({ ...INSERT, values: columns(job.data) }).then(() => undefined);
const worker = new Worker('journal', write, { connection, concurrency });
worker.on('error', (error) => console.error(error.message));
worker.on('failed', (job, error) => console.error(`${job?.id}: ${error.message}`));
