// The words of the console in the language of its reader.
import { settings } from '../domain/settings.svelte';
import { en, type Dictionary, type Key } from './en';
import { fr } from './fr';

export type Language = 'en' | 'fr';
export type { Key };

const dictionaries: Record<Language, Dictionary> = { en, fr };

/** The text of a key, with `{name}` filled from `values`. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return dictionaries[settings.language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of a key that is put together from the API's words, or the word itself when there is none yet. */
export function tWord(prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return key in en ? t(key as Key) : word.replaceAll('_', ' ');
}
