// What a person prefers, kept in this browser only. Nothing secret is ever kept here.
import type { Language } from '../i18n/index.svelte';

export type Theme = 'auto' | 'dark' | 'light';

function read(key: string): string | null {
  try {
    return localStorage.getItem(`portique.${key}`);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(`portique.${key}`, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

class Settings {
  theme = $state<Theme>(theme(read('theme')));
  language = $state<Language>(language(read('language')));
  /** By name and password, or else by a token of the data folder. */
  signsInByName = $state(read('sign-in') !== 'token');
  /** Whether somebody has signed in with this browser before. */
  readonly isKnownHere = read('known') === 'yes';

  setTheme(next: Theme): void {
    this.theme = next;
    write('theme', next);
    this.show();
  }

  setLanguage(next: Language): void {
    this.language = next;
    write('language', next);
    this.show();
  }

  setSignInByName(next: boolean): void {
    this.signsInByName = next;
    write('sign-in', next ? 'name' : 'token');
  }

  /** Somebody signed in: the next visit takes no introduction. */
  rememberVisit(): void {
    write('known', 'yes');
  }

  show(): void {
    document.documentElement.lang = this.language;
    document.documentElement.dataset['theme'] = this.isDark ? 'dark' : 'light';
  }

  get isDark(): boolean {
    return this.theme === 'dark' || (this.theme === 'auto' && system.matches);
  }
}

function theme(kept: string | null): Theme {
  return kept === 'dark' || kept === 'light' ? kept : 'auto';
}

function language(kept: string | null): Language {
  if (kept === 'en' || kept === 'fr') return kept;
  return navigator.language.startsWith('fr') ? 'fr' : 'en';
}

const system = matchMedia('(prefers-color-scheme: dark)');
export const settings = new Settings();
system.addEventListener('change', () => settings.show());
settings.show();
