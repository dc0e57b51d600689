// What processes print, as a page follows it: what was printed before, then what is.
import { Problem, address, get, type Schemas } from '../api/client';
import { Live } from '../api/live.svelte';

export type Line = Schemas['LogLineView'];

/** Which lines: of one process, or of one pool or rocket; with a text in them. */
export interface Asked {
  process: string;
  of: string;
  text: string;
}

/** Lines that are shown; a page that grows without end slows its browser. */
export const SHOWN_MAX = 1000;
const FIRST_LINES = 500;
/** Drawn so often at most, however many come. */
const DRAW_MS = 200;

export class Follower {
  /** The oldest first. */
  lines = $state.raw<Line[]>([]);
  /** Older ones that this page let go. */
  dropped = $state(0);
  problem = $state('');
  /** When the hub was heard last. */
  at = $state(0);
  isPaused = $state(false);
  readonly live: Live;
  #asked: Asked;
  #next = 0;
  #waiting: Line[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #abort: AbortController | undefined;

  constructor(asked: Asked) {
    this.#asked = asked;
    const events = { message: (data: string) => this.#heard(JSON.parse(data) as Line) };
    this.live = new Live(() => address('/api/v1/logs/stream', { query: { ...this.#asked, after: this.#next } }), events, () => void this.#again());
  }

  start(): () => void {
    void this.#begin();
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
    return () => {
      clearInterval(this.#timer);
      this.#abort?.abort();
      this.live.close();
    };
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (!isPaused) this.#draw();
  }

  async #begin(): Promise<void> {
    this.#abort?.abort();
    const mine = new AbortController();
    this.#abort = mine;
    try {
      const page = await get('/api/v1/logs', { query: { ...this.#asked, limit: FIRST_LINES }, signal: mine.signal });
      this.#waiting = [];
      this.lines = page.lines;
      this.#next = page.next;
      this.at = Date.now();
      this.problem = '';
      if (this.live.state !== 'live') this.live.open();
    } catch (cause) {
      if (!mine.signal.aborted) this.problem = cause instanceof Problem ? cause.message : String(cause);
    }
  }

  /** A hub that was started again counts from 1, and knows nothing of what was printed before. */
  async #again(): Promise<void> {
    try {
      const page = await get('/api/v1/logs', { query: { limit: 1 } });
      if (page.next < this.#next) await this.#begin();
    } catch {
      // The stream comes back again, and this with it.
    }
  }

  #heard(line: Line): void {
    this.#next = Math.max(this.#next, line.sequence);
    this.#waiting.push(line);
    if (this.#waiting.length > SHOWN_MAX) this.dropped += this.#waiting.splice(0, this.#waiting.length - SHOWN_MAX).length;
  }

  #draw(): void {
    if (this.isPaused || !this.#waiting.length) return;
    const all = [...this.lines, ...this.#waiting];
    this.#waiting = [];
    this.dropped += Math.max(0, all.length - SHOWN_MAX);
    this.lines = all.slice(-SHOWN_MAX);
  }
}

/** The page of what one process prints, or all of one pool or rocket. */
export const logsPath = (asked: Partial<Asked>): string => {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value)).toString();
  return query ? `/logs?${query}` : '/logs';
};
