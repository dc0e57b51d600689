// What is asked again and again, because the hub has no stream of it.
import { Problem } from './client';

/** A value that is asked for again and again while its page is looked at; the last one stays when the hub is away. */
export class Poll<T> {
  value = $state.raw<T>();
  problem = $state.raw<Problem>();
  /** When the value came, in milliseconds of the browser's clock; 0 before the first. */
  at = $state(0);
  readonly everyMs: number;
  #ask: (signal: AbortSignal) => Promise<T>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;
  #runs = 0;

  constructor(ask: (signal: AbortSignal) => Promise<T>, everyMs: number) {
    this.#ask = ask;
    this.everyMs = everyMs;
  }

  /** Begins; what it gives back ends it. */
  start(): () => void {
    const run = ++this.#runs;
    const next = async (): Promise<void> => {
      await this.now();
      if (run === this.#runs) this.#timer = setTimeout(next, document.hidden ? this.everyMs * 5 : this.everyMs);
    };
    void next();
    return () => {
      this.#runs += 1;
      clearTimeout(this.#timer);
      this.#abort?.abort();
    };
  }

  /** Asks at once. */
  async now(): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const value = await this.#ask(abort.signal);
      if (abort.signal.aborted) return;
      this.value = value;
      this.at = Date.now();
      this.problem = undefined;
    } catch (cause) {
      if (!abort.signal.aborted) {
        this.problem = cause instanceof Problem ? cause : new Problem(0, 'internal', String(cause));
      }
    }
  }

  /** Takes an answer that came by another way. */
  take(value: T): void {
    this.#abort?.abort();
    this.value = value;
    this.at = Date.now();
    this.problem = undefined;
  }
}

/** A poll that lives as long as the component it is made in. */
export function poll<T>(ask: (signal: AbortSignal) => Promise<T>, everyMs: number): Poll<T> {
  const made = new Poll(ask, everyMs);
  $effect(() => made.start());
  return made;
}
