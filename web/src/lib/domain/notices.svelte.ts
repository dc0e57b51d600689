// What the hub said to something that a person did: shown for a while, refusals until dismissed.
import { Problem } from '../api/client';

interface Notice {
  id: number;
  tone: 'good' | 'bad';
  text: string;
}

const SHOWN_MS = 5000;
const NOTICES_MAX = 4;

class Notices {
  list = $state<Notice[]>([]);
  #next = 1;

  say(text: string): void {
    const id = this.#add('good', text);
    setTimeout(() => this.drop(id), SHOWN_MS);
  }

  drop(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  /** Does something that the hub may refuse, and says so when it does. */
  async attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (cause) {
      this.#add('bad', cause instanceof Problem ? cause.message : String(cause));
      return undefined;
    }
  }

  #add(tone: Notice['tone'], text: string): number {
    const id = this.#next++;
    this.list = [...this.list, { id, tone, text }].slice(-NOTICES_MAX);
    return id;
  }
}

export const notices = new Notices();
