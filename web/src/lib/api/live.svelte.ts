// A stream of the hub's events that comes back by itself, and says whether it is there.

/** Between two tries; the hub may be starting again. */
const AGAIN_MS = 2000;

export type Connection = 'connecting' | 'live' | 'lost';

/**
 * Follows a stream of server-sent events until it is closed.
 *
 * A page that nobody looks at lets its stream go: browsers hold six connections to a hub, and every tab with
 * a stream takes one.
 */
export class Live {
  state = $state<Connection>('connecting');
  /** When something was heard last, in milliseconds of the browser's clock. */
  heard = $state(0);
  #source: EventSource | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #url: () => string;
  #events: Record<string, (data: string, id: string) => void>;
  #back: () => void;
  #wasLost = false;
  #look = () => this.#seen();

  /** `back` is called when a stream that was gone is there again: what happened meanwhile was not heard. */
  constructor(url: () => string, events: Record<string, (data: string, id: string) => void>, back: () => void = () => {}) {
    this.#url = url;
    this.#events = events;
    this.#back = back;
  }

  open(): void {
    this.close();
    document.addEventListener('visibilitychange', this.#look);
    this.#connect();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.#look);
    this.#leave();
  }

  #seen(): void {
    if (document.hidden) {
      this.#leave();
      this.#wasLost = true;
    } else if (!this.#source) {
      this.#connect();
    }
  }

  #leave(): void {
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }

  #connect(): void {
    this.#leave();
    const source = new EventSource(this.#url());
    this.#source = source;
    this.state = 'connecting';
    source.onopen = () => {
      this.state = 'live';
      this.heard = Date.now();
      if (this.#wasLost) this.#back();
      this.#wasLost = false;
    };
    source.onerror = () => {
      this.#leave();
      this.state = 'lost';
      this.#wasLost = true;
      // Our own tries instead of the browser's, which gives up for good on some answers.
      this.#again = setTimeout(() => this.#connect(), AGAIN_MS);
    };
    for (const [name, act] of Object.entries(this.#events)) {
      source.addEventListener(name, (event) => {
        const message = event as MessageEvent<string>;
        // A broken connection is an event named error too, without data.
        if (typeof message.data !== 'string') return;
        this.heard = Date.now();
        act(message.data, message.lastEventId);
      });
    }
  }
}
