// How values are written. Numbers and times only; words are the dictionary's.
import { settings } from './settings.svelte';

const THIN = '\u202f';

/** At most so many digits behind the point, with thin spaces between thousands. */
export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const locale = settings.language === 'fr' ? 'fr-FR' : 'en-GB';
  const shown = Math.abs(value) < 0.5 / 10 ** digits ? 0 : value;
  const text = shown.toLocaleString(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return text.replace(/,(?=\d{3}(\D|$))/g, THIN).replace('-', '−');
}

/** Three digits that matter and a prefix: 12.3 k. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return number(value);
  const size = Math.abs(value);
  for (const [limit, suffix] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) {
    if (size >= limit) return `${number(value / limit, size / limit < 100 ? 1 : 0)}${THIN}${suffix}`;
  }
  return number(value, size === 0 || size >= 100 || Number.isInteger(value) ? 0 : size >= 1 ? 1 : 2);
}

/** A span of time in its two largest units. */
export function span(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 10) return `${number(s, 1)}${THIN}s`;
  if (s < 60) return `${Math.floor(s)}${THIN}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${THIN}min ${Math.floor(s % 60)}${THIN}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}${THIN}h ${Math.floor((s % 3600) / 60)}${THIN}min`;
  const day = settings.language === 'fr' ? 'j' : 'd';
  return `${Math.floor(s / 86_400)}${THIN}${day} ${Math.floor((s % 86_400) / 3600)}${THIN}h`;
}

/** Time of day in UTC, as on the wall of a control room. */
export function utc(at: string | number | undefined | null): string {
  if (at === undefined || at === null) return '–';
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '–' : date.toISOString().slice(11, 19);
}

/** Day and time in UTC. */
export function utcFull(at: string | number | undefined | null): string {
  if (at === undefined || at === null) return '–';
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '–' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Seconds from T-0 as a count is read: T-00:00:12, T+00:02:31. */
export function tClock(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return 'T−--:--:--';
  const before = seconds < 0;
  // Before T-0 a second is over when the next one begins; after it, when it has passed.
  const whole = before ? Math.ceil(-seconds) : Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const text = `${two(Math.floor(whole / 3600))}:${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return `T${before ? '−' : '+'}${text}`;
}

/** Seconds from T-0 in a list: T+72.4. */
export function tShort(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '';
  return `T${seconds < 0 ? '−' : '+'}${number(Math.abs(seconds), 1)}`;
}

/** A word of the API, for people: `stage_separation` is stage separation. */
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}
