// The figures of a flight, module by module, on one grid of T: bounded, and coarser as the flight grows.
import type { Schemas } from '../api/client';

export const figures = ['altitude_m', 'speed_m_s', 'dynamic_pressure_pa', 'throttle', 'propellant_kg'] as const;
export type Figure = (typeof figures)[number];

/** More points than a plot has pixels show nothing more. */
const ROWS_MAX = 1600;
const STEP_S = 0.5;
/** A T that goes back by more than this is another attempt, not a late sample. */
const BACK_S = 5;
/** Redrawn so often at most; more cannot be read. */
const DRAW_MS = 250;

type Row = Partial<Record<Figure | 'downrange_m', number>>;

/** Where a module has been: down-range and height, in metres. */
export interface Track {
  module: string;
  points: [number, number][];
}

export class Flight {
  /** Rises with every redraw that is due. */
  version = $state(0);
  stepS = $state(STEP_S);
  modules = $state.raw<string[]>([]);
  #rows = new Map<string, Map<number, Row>>();
  #last = new Map<string, number>();
  /** Modules that were carried in this attempt. */
  #riding = new Set<string>();
  #due: ReturnType<typeof setTimeout> | undefined;

  add(module: string, sample: Schemas['Sample']): void {
    const last = this.#last.get(module);
    if (last !== undefined && sample.t_s < last - BACK_S) this.#restart(module);
    this.#last.set(module, sample.t_s);
    let rows = this.#rows.get(module);
    if (!rows) {
      rows = new Map();
      this.#rows.set(module, rows);
      this.modules = [...this.#rows.keys()].sort();
    }
    // What it did on the pad was the whole rocket's: its own line begins where it parts.
    if (sample.phase === 'attached' && !this.#riding.has(module)) this.#ride(module, rows);
    rows.set(Math.round(sample.t_s / this.stepS), rowOf(sample));
    if (rows.size > ROWS_MAX) this.#coarsen();
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.version += 1;
    }, DRAW_MS);
  }

  /** One figure of all modules: T, then a column per module. */
  columns(figure: Figure): [number[], ...(number | null)[][]] {
    const buckets = [...new Set([...this.#rows.values()].flatMap((rows) => [...rows.keys()]))].sort((a, b) => a - b);
    const columns = this.modules.map((module) => {
      const rows = this.#rows.get(module);
      return buckets.map((bucket) => rows?.get(bucket)?.[figure] ?? null);
    });
    return [buckets.map((bucket) => bucket * this.stepS), ...columns];
  }

  /** The way of each module that flies by itself. */
  tracks(): Track[] {
    return this.modules.map((module) => {
      const rows = [...(this.#rows.get(module)?.values() ?? [])];
      const points = rows.flatMap((row): [number, number][] =>
        row.downrange_m === undefined || row.altitude_m === undefined ? [] : [[row.downrange_m, row.altitude_m]]
      );
      return { module, points };
    });
  }

  close(): void {
    clearTimeout(this.#due);
  }

  #restart(module: string): void {
    this.#rows.get(module)?.clear();
    this.#riding.delete(module);
  }

  #ride(module: string, rows: Map<number, Row>): void {
    this.#riding.add(module);
    for (const [bucket, row] of rows) rows.set(bucket, { propellant_kg: row.propellant_kg ?? 0 });
  }

  #coarsen(): void {
    this.stepS *= 2;
    for (const [module, rows] of this.#rows) {
      this.#rows.set(module, new Map([...rows].map(([bucket, row]) => [Math.round(bucket / 2), row])));
    }
  }
}

/** A module that rides on another has no way of its own yet: its line begins where it parts. */
function rowOf(sample: Schemas['Sample']): Row {
  if (sample.phase === 'attached') return { propellant_kg: sample.propellant_kg };
  return Object.fromEntries([...figures, 'downrange_m' as const].map((figure) => [figure, sample[figure]]));
}
