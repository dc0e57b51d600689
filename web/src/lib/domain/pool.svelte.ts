// One pool of workers, and how many there were over what waited: kept for a quarter of an hour, then let go.
import { get, type Schemas } from '../api/client';
import { Poll } from '../api/poll.svelte';
import { range } from './promql';
import type { Tone } from './severity';

export type Pool = Schemas['PoolView'];
export type Decision = Schemas['DecisionView'];

const SPAN_S = 900;
const EVERY_MS = 1000;
/** The hub writes its own figures every five seconds. */
const STEP_S = 5;

/** Seconds; jobs ready, jobs in hand, workers, target. */
type Row = [number, number | null, number | null, number | null, number | null];

export class PoolLine {
  readonly view: Poll<Pool>;
  rows = $state.raw<Row[]>([]);
  #name: string;

  constructor(name: string) {
    this.#name = name;
    this.view = new Poll(async (signal) => {
      const pool = await get('/api/v1/pools/{name}', { path: { name }, signal });
      this.#add(pool);
      return pool;
    }, EVERY_MS);
  }

  start(): () => void {
    const stop = this.view.start();
    let isOver = false;
    void this.#seed(() => isOver);
    return () => {
      isOver = true;
      stop();
    };
  }

  #add(pool: Pool): void {
    const now = Date.now() / 1000;
    const row: Row = [now, pool.decision?.inputs.ready ?? null, pool.decision?.inputs.leased ?? null, staying(pool), pool.target ?? null];
    this.rows = [...this.rows.filter(([at]) => at > now - SPAN_S && at < now), row];
  }

  /** What was before this page, as far as the hub kept it. */
  async #seed(isOver: () => boolean): Promise<void> {
    const pool = await get('/api/v1/pools/{name}', { path: { name: this.#name } }).catch(() => undefined);
    if (!pool) return;
    const end = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
    const queue = JSON.stringify(pool.queue);
    const name = JSON.stringify(pool.name);
    const queries = [
      `portique_queue_ready_jobs{queue=${queue}}`,
      `portique_queue_jobs{queue=${queue},state="active"}`,
      `sum(portique_fleet_workers{pool=${name},state=~"starting|ready"})`,
      `portique_fleet_target_workers{pool=${name}}`
    ];
    const columns = await Promise.all(queries.map(async (query) => {
      const all = await range(query, end - SPAN_S, end, STEP_S).catch(() => []);
      return new Map(all[0]?.samples ?? []);
    }));
    if (isOver()) return;
    const [first] = this.rows;
    const times = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
    const past = times.filter((at) => !first || at < first[0]).map((at) => [at, ...columns.map((column) => column.get(at) ?? null)] as Row);
    this.rows = [...past, ...this.rows];
  }
}

/** Workers that are there to stay, those that start among them. */
export function staying(pool: Pool): number {
  return pool.workers.filter((worker) => worker.state === 'starting' || worker.state === 'ready').length;
}

export function modeTone(mode: Pool['mode']): Tone {
  return mode === 'automatic' ? 'good' : mode === 'manual' ? 'info' : 'warn';
}

export function stateTone(state: Pool['workers'][number]['state']): Tone {
  return state === 'ready' ? 'good' : state === 'starting' ? 'info' : 'idle';
}

export const poolPath = (name: string): string => `/workers/${encodeURIComponent(name)}`;
