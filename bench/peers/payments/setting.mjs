// Where Redis and PostgreSQL are, and how jobs are queued: the same for all three services.

import pg from 'pg';

export const [redisPort, postgresPort, ...rest] = process.argv.slice(2).map(Number);
export const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null };

// A completed job is not kept; a failed one is tried five times and kept for people then.
export const jobs = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 100 },
  removeOnComplete: true,
  removeOnFail: 1000,
};

export function database(connections) {
  return new pg.Pool({ host: '127.0.0.1', port: postgresPort, user: 'bench', database: 'postgres', max: connections });
}
