// Every figure of every module at once: the last minute of each, drawn ten times a second as long as the browser keeps up.
import { address, type Schemas } from '../api/client';
import { Live } from '../api/live.svelte';
import { figures, type Figure } from './flight.svelte';

/** A sample of each tenth of a second is kept; more cannot be seen on a plot of this size. */
const SAMPLE_MS = 100;
/** A minute of them. */
export const POINTS = 600;
/** Twelve rockets of five modules; those that come later are not shown, and the page says so. */
const MODULES_MAX = 60;
const DRAW_MS = 100;
const DRAW_MS_MAX = 2000;
/** Of the browser's time, what drawing may take: its answer to a click comes first. */
const SHARE_MAX = 0.3;
/** How much of a new measurement counts: one slow frame is not a slow browser. */
const WEIGHT = 0.1;
/** Numbers are read, not watched. */
const READ_MS = 500;

/** The last minute of one module: rings, filled to `length`, whose oldest sample is at `start`. */
export class Track {
  readonly columns = Object.fromEntries(figures.map((figure) => [figure, new Float32Array(POINTS)])) as Record<Figure, Float32Array>;
  start = 0;
  length = 0;
  /** Samples so far, those that were let go among them. */
  count = 0;
  /** Seconds from T-0 of the newest sample. */
  t_s = 0;
  phase = '';
  #at = 0;

  constructor(
    readonly rocket: string,
    readonly module: string
  ) {}

  add(sample: Schemas['Sample'], now: number): void {
    const isSame = this.length > 0 && now - this.#at < SAMPLE_MS;
    if (!isSame) {
      this.#at = now;
      this.count += 1;
      if (this.length < POINTS) this.length += 1;
      else this.start = (this.start + 1) % POINTS;
    }
    // Within a tenth of a second the newest counts.
    const place = (this.start + this.length - 1) % POINTS;
    for (const figure of figures) this.columns[figure][place] = sample[figure];
    this.t_s = sample.t_s;
    this.phase = sample.phase;
  }

  last(figure: Figure): number | undefined {
    return this.length ? this.columns[figure][(this.start + this.length - 1) % POINTS] : undefined;
  }
}

export class Wall {
  /** In the order in which they were heard of. */
  tracks = $state.raw<Track[]>([]);
  /** Messages that the hub did not send, as this browser was too slow to take them. */
  missed = $state(0);
  left = $state(0);
  /** How often plots are drawn, and how long that takes, in milliseconds. */
  everyMs = $state(DRAW_MS);
  tookMs = $state(0);
  /** Rises when numbers are to be written again. */
  reading = $state(0);
  readonly live: Live;
  #byName = new Map<string, Track>();
  #left = new Set<string>();
  #draws = new Set<() => void>();
  #took = 0;
  #every = DRAW_MS;
  #frame = 0;

  constructor(rocket: string | undefined) {
    this.live = new Live(() => address('/api/v1/launch/live', { query: { rocket } }), {
      sample: (data) => {
        const heard = JSON.parse(data) as { rocket: string; module: string; sample: Schemas['Sample'] };
        this.#track(heard.rocket, heard.module)?.add(heard.sample, performance.now());
      },
      missed: (data) => (this.missed += Number(data) || 0)
    });
  }

  /** Has something drawn whenever plots are; what it gives back ends that. */
  drawn(draw: () => void): () => void {
    this.#draws.add(draw);
    return () => this.#draws.delete(draw);
  }

  start(): () => void {
    this.live.open();
    let drawnAt = 0;
    let readAt = 0;
    const next = (now: number): void => {
      this.#frame = requestAnimationFrame(next);
      if (now - drawnAt < this.#every - 4) return;
      drawnAt = now;
      const begin = performance.now();
      for (const draw of this.#draws) draw();
      this.#pace(performance.now() - begin);
      if (now - readAt < READ_MS) return;
      readAt = now;
      this.reading += 1;
      this.everyMs = Math.round(this.#every / 10) * 10;
      this.tookMs = this.#took;
    };
    this.#frame = requestAnimationFrame(next);
    return () => {
      cancelAnimationFrame(this.#frame);
      this.live.close();
    };
  }

  /** Draws less often when drawing takes too long; samples go on to be kept, and nobody waits for this browser. */
  #pace(took: number): void {
    this.#took = this.#took * (1 - WEIGHT) + took * WEIGHT;
    this.#every = Math.min(DRAW_MS_MAX, Math.max(DRAW_MS, this.#took / SHARE_MAX));
  }

  #track(rocket: string, module: string): Track | undefined {
    const name = `${rocket}/${module}`;
    const known = this.#byName.get(name);
    if (known) return known;
    if (this.#byName.size >= MODULES_MAX) {
      this.#left.add(name);
      this.left = this.#left.size;
      return undefined;
    }
    const track = new Track(rocket, module);
    this.#byName.set(name, track);
    this.tracks = [...this.#byName.values()].sort((a, b) => a.rocket.localeCompare(b.rocket) || a.module.localeCompare(b.module));
    return track;
  }
}
