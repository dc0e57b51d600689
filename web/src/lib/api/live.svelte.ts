// A stream of the hub's events that comes back by itself, and says whether it is there.

/** Between two tries; the hub may be starting again. */
const AGAIN_MS = 2000;

export type Connection = 'connecting' | 'live' | 'lost';

/** Follows a stream of server-sent events until it is closed. */
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

  /** `back` is called when a stream that was lost is there again: what happened meanwhile was not heard. */
  constructor(url: () => string, events: Record<string, (data: string, id: string) => void>, back: () => void = () => {}) {
    this.#back = back;
    this.#url = url;
    this.#events = events;
  }

  open(): void {
    this.close();
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
      this.#wasLost = true;
      this.state = 'lost';
      source.close();
      // Our own tries instead of the browser's, which gives up for good on some answers.
      this.#again = setTimeout(() => this.open(), AGAIN_MS);
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

  close(): void {
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }
}
