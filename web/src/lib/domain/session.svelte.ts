// Who is signed in with this browser. The token is shown to the hub once and kept nowhere.
import { Problem, get, onSignedOut, post, remove, trust, type Schemas } from '../api/client';

type Role = Schemas['SessionView']['role'] | 'unknown';

class Session {
  /** `unknown` until the hub has said. */
  role = $state<Role>('unknown');

  get isSignedIn(): boolean {
    return this.role === 'commander' || this.role === 'service';
  }

  /** Whether what only the commander may do is offered. */
  get isCommander(): boolean {
    return this.role === 'commander';
  }

  async ask(): Promise<void> {
    this.#take(await get('/api/v1/session'));
  }

  async signIn(token: string): Promise<void> {
    this.#take(await post('/api/v1/session', { body: { token } }));
  }

  async signOut(): Promise<void> {
    try {
      this.#take(await remove('/api/v1/session'));
    } catch (cause) {
      // Whoever has no session any more is signed out already.
      if (!(cause instanceof Problem) || cause.code === 'unreachable') throw cause;
      this.leave();
    }
  }

  leave(): void {
    if (this.role === 'unknown') return;
    this.role = 'none';
    trust(undefined);
  }

  #take(view: Schemas['SessionView']): void {
    trust(view.csrf ?? undefined);
    this.role = view.role;
  }
}

export const session = new Session();
onSignedOut(() => session.leave());
