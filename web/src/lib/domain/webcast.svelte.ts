// What the public is shown: every mission, some seconds late. The feed has no past, so this page keeps its own.
import { get, type Schemas } from '../api/client';
import { Live } from '../api/live.svelte';
import { Flight } from './flight.svelte';

export type PublicMission = Schemas['PublicMission'];

/** Of one flight; there are a few dozen kinds. */
const EVENTS_MAX = 200;
/** A count that goes back so far is another attempt. */
const BACK_S = 5;
/** Rehearsals run faster than the clock on the wall; so much faster at most. */
const RATE_MAX = 100;

export interface PublicEvent {
  module: string;
  kind: string;
  /** Seconds from T-0 when this page heard of it; none when that was before it was opened. */
  t_s: number | undefined;
}

/** What this page saw of one mission. */
export class Watched {
  readonly flight = new Flight();
  /** Newest first. */
  events = $state.raw<PublicEvent[]>([]);
  /** Seconds of flight that pass in a second here; the feed does not say. */
  rate = $state(1);
  #last: { t_s: number; at: number } | undefined;
  /** Kinds that were heard, by module: the feed has them in the order of a flight, not in that in which they came. */
  #known = new Map<string, Set<string>>();
  #isFirst = true;

  take(mission: PublicMission, at: number): void {
    const t_s = mission.t_s ?? undefined;
    if (t_s !== undefined && this.#last && t_s < this.#last.t_s - BACK_S) this.#restart();
    for (const module of mission.modules) {
      this.#hear(module, t_s);
      if (t_s !== undefined) this.flight.add(module.module, { ...module, t_s } as unknown as Schemas['Sample']);
    }
    if (t_s !== undefined) this.#measure(t_s, at);
    this.#isFirst = false;
  }

  #hear(module: PublicMission['modules'][number], t_s: number | undefined): void {
    const known = this.#known.get(module.module);
    const fresh = module.events.filter((kind) => !known?.has(kind));
    if (!fresh.length) return;
    const heard = fresh.map((kind) => ({ module: module.module, kind, t_s: this.#isFirst ? undefined : t_s }));
    this.#known.set(module.module, new Set(module.events));
    this.events = [...heard.reverse(), ...this.events].slice(0, EVENTS_MAX);
  }

  #measure(t_s: number, at: number): void {
    if (this.#last && at - this.#last.at < 1000) return;
    if (this.#last && t_s > this.#last.t_s) {
      const rate = ((t_s - this.#last.t_s) / (at - this.#last.at)) * 1000;
      this.rate = Math.min(RATE_MAX, Math.max(1, Math.round(rate)));
    }
    this.#last = { t_s, at };
  }

  #restart(): void {
    this.events = [];
    this.#known.clear();
    this.#last = undefined;
  }
}

export class Webcast {
  missions = $state.raw<PublicMission[]>();
  /** When they were heard, in milliseconds of the browser's clock. */
  at = $state(0);
  readonly live: Live;
  #watched = new Map<string, Watched>();

  constructor() {
    this.live = new Live(() => '/api/v1/webcast/live', { missions: (data) => this.#take(JSON.parse(data) as PublicMission[]) });
  }

  start(): () => void {
    this.live.open();
    // A feed that has nothing new says nothing: the first answer is asked for.
    void get('/api/v1/webcast').then((missions) => this.missions ?? this.#take(missions)).catch(() => undefined);
    return () => {
      this.live.close();
      for (const watched of this.#watched.values()) watched.flight.close();
    };
  }

  watched(rocket: string): Watched {
    let watched = this.#watched.get(rocket);
    if (!watched) {
      watched = new Watched();
      this.#watched.set(rocket, watched);
    }
    return watched;
  }

  #take(missions: PublicMission[]): void {
    this.at = Date.now();
    for (const mission of missions) this.watched(mission.rocket).take(mission, this.at);
    for (const rocket of this.#watched.keys()) {
      if (!missions.some((mission) => mission.rocket === rocket)) this.#watched.delete(rocket);
    }
    this.missions = missions;
  }
}
