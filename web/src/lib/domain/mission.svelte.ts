// One mission as a page follows it: its state asked, its log and its samples heard as they happen.
import { Problem, address, get, post, type Schemas } from '../api/client';
import { Live } from '../api/live.svelte';
import { Poll } from '../api/poll.svelte';
import { Destructions } from './approvals.svelte';
import { Flight } from './flight.svelte';
import { notices } from './notices.svelte';
import { session } from './session.svelte';

type View = Schemas['RocketView'];
type Entry = Schemas['LogEntry'];

const VIEW_EVERY_MS = 1000;
const WEATHER_EVERY_MS = 5000;
/** What the log says changes the state; so soon after it the state is asked. */
const AFTER_LOG_MS = 150;
const LOG_MAX = 500;
const AGAIN_MS = 2000;
const HISTORY_EVERY_S = 1;
const PAGE_MAX = 1000;
const PAGES_MAX = 10;

export class Mission {
  readonly name: string;
  readonly view: Poll<View>;
  readonly weather: Poll<Schemas['WeatherView']>;
  readonly live: Live;
  readonly flight = new Flight();
  readonly destructions: Destructions;
  /** Why somebody asks for a module's destruction, for whoever has to approve it. */
  why = $state('');
  /** Newest first. */
  log = $state.raw<Entry[]>([]);
  missed = $state(0);
  /** Whether what happened before is here. */
  isCaughtUp = $state(false);
  #asked: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(name: string) {
    this.name = name;
    this.destructions = new Destructions(name);
    const path = { rocket: name };
    this.view = new Poll((signal) => get('/api/v1/launch/rockets/{rocket}', { path, signal }), VIEW_EVERY_MS);
    this.weather = new Poll((signal) => get('/api/v1/launch/rockets/{rocket}/weather', { path, signal }), WEATHER_EVERY_MS);
    this.live = new Live(() => address('/api/v1/launch/live', { query: { rocket: name } }), {
      log: (data) => this.#heard(JSON.parse(data) as Entry),
      sample: (data) => {
        const message = JSON.parse(data) as { module: string; sample: Schemas['Sample'] };
        this.flight.add(message.module, message.sample);
      },
      missed: (data) => (this.missed += Number(data) || 0)
    }, () => void this.#catchUp());
  }

  start(): () => void {
    const stops = [this.view.start(), this.weather.start(), this.destructions.poll.start()];
    void this.#catchUp();
    return () => {
      this.#isClosed = true;
      clearTimeout(this.#asked);
      stops.forEach((stop) => stop());
      this.live.close();
      this.flight.close();
    };
  }

  /** Does something about the mission; a refusal is shown, and changes nothing. */
  async order(act: () => Promise<View>): Promise<void> {
    const view = await notices.attempt(act);
    if (view) this.view.take(view);
  }

  get hasWeather(): boolean {
    return Boolean(this.weather.value?.observation);
  }

  /** To order anything takes one permission, to destroy another beside it. */
  get canDestroy(): boolean {
    return session.can('launch:command') && session.can('launch:destroy');
  }

  /** Destroys a module, or asks for it where that takes two people. */
  async destroy(module: string): Promise<void> {
    const path = { rocket: this.name, module };
    const reason = this.why.trim() || undefined;
    const body = { order: 'destroy' as const, ...(reason ? { reason } : {}) };
    const answer = await notices.attempt(() => post('/api/v1/launch/rockets/{rocket}/modules/{module}/orders', { path, body }));
    if (answer && 'approval' in answer) this.destructions.asked(answer);
    // Somebody else may have asked for the same.
    else void this.destructions.poll.now();
    void this.view.now();
  }

  async report(): Promise<void> {
    const path = { rocket: this.name };
    const weather = await notices.attempt(() => post('/api/v1/launch/rockets/{rocket}/weather', { path, body: { simulated: {} } }));
    if (weather) this.weather.take(weather);
  }

  async search(text: string, signal: AbortSignal): Promise<Entry[]> {
    const page = await get('/api/v1/launch/log', { query: { rocket: this.name, text, limit: LOG_MAX }, signal });
    return page.entries.reverse();
  }

  /** What happened before this page was opened; then what happens. */
  async #catchUp(): Promise<void> {
    try {
      const view = await get('/api/v1/launch/rockets/{rocket}', { path: { rocket: this.name } });
      await Promise.all([this.#readLog(), ...view.modules.map((module) => this.#readSamples(module.module))]);
      this.isCaughtUp = true;
    } catch (cause) {
      if (this.#isClosed || (cause instanceof Problem && cause.status === 404)) return;
      this.#asked = setTimeout(() => ((this.#asked = undefined), void this.#catchUp()), AGAIN_MS);
      return;
    }
    if (!this.#isClosed && this.live.state !== 'live') this.live.open();
  }

  async #readLog(): Promise<void> {
    let after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const read = await get('/api/v1/launch/log', { query: { rocket: this.name, limit: PAGE_MAX, after } });
      for (const entry of read.entries) this.#keep(entry);
      after = read.next ?? undefined;
      if (!after) return;
    }
  }

  async #readSamples(module: string): Promise<void> {
    const path = { rocket: this.name, module };
    let after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = { every_s: HISTORY_EVERY_S, limit: PAGE_MAX, after };
      const read = await get('/api/v1/launch/rockets/{rocket}/modules/{module}/telemetry', { path, query });
      for (const sample of read.samples) this.flight.add(module, sample);
      after = read.next ?? undefined;
      if (!after) return;
    }
  }

  #heard(entry: Entry): void {
    this.#keep(entry);
    this.#asked ??= setTimeout(() => {
      this.#asked = undefined;
      void this.view.now();
    }, AFTER_LOG_MS);
  }

  #keep(entry: Entry): void {
    if (this.log.some((known) => known.sequence === entry.sequence)) return;
    this.log = [entry, ...this.log].slice(0, LOG_MAX);
  }
}
