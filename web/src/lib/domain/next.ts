// Where a launch stands among its steps, and what whoever looks at it does next.
import type { Schemas } from '../api/client';
import { t, tWord } from '../i18n/index.svelte';

type View = Schemas['RocketView'];

/** The module whose end is the whole flight's, and never another in its place: who clicks once too often must not hit what is left. */
export const LEAD = 'booster';
export const steps = ['weather', 'poll', 'decision', 'count', 'flight'] as const;

const allAnswered = (view: View): boolean => Object.values(view.poll?.roster ?? {}).every((ballot) => ballot);

/** The index of the step that is under way. */
export function at(view: View, hasWeather: boolean): number {
  switch (view.stage) {
    case 'preparing':
    case 'scrubbed':
      return hasWeather ? 1 : 0;
    case 'polling':
      return allAnswered(view) ? 2 : 1;
    case 'ready':
    case 'counting':
    case 'held':
      return 3;
    default:
      return 4;
  }
}

/** What to do next, in a sentence. */
export function next(view: View, hasWeather: boolean, mayAbort: boolean): string {
  if (view.count?.hold) return t('launch.held', { reason: view.count.hold });
  if (view.outcome_reason) return view.outcome_reason;
  if (view.stage === 'preparing') {
    if (hasWeather) return t('launch.next.poll');
    return view.modules.some((module) => module.up) ? t('launch.next.weather') : t('launch.next.modules');
  }
  if (view.stage === 'polling') return afterVotes(view);
  if (view.stage === 'flying' && mayAbort && view.modules.some((module) => module.module === LEAD && module.up)) return t('launch.next.abort');
  return tWord('launch.next', view.stage);
}

function afterVotes(view: View): string {
  const roster = Object.entries(view.poll?.roster ?? {});
  const against = roster.filter(([, ballot]) => ballot?.vote === 'no_go').map(([station]) => station);
  if (against.length) return t('launch.next.noGo', { stations: against.join(', ') });
  const given = roster.filter(([, ballot]) => ballot).length;
  return given < roster.length ? t('launch.next.votes', { n: given, of: roster.length }) : t('launch.next.decide');
}
