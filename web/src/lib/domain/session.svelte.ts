// Who is signed in with this browser. Tokens and passwords are shown to the hub once and kept nowhere.
import { Problem, get, onSignedOut, post, put, remove, trust, type Schemas } from '../api/client';
import { settings } from './settings.svelte';

type Role = Schemas['SessionView']['role'] | 'unknown';

class Session {
  /** `unknown` until the hub has said. */
  role = $state<Role>('unknown');
  /** Of a user; whoever showed a token has none. */
  name = $state<string>();
  /** Another password has to be chosen before anything else. */
  mustChange = $state(false);
  #held = $state.raw<ReadonlySet<string>>(new Set());

  get isSignedIn(): boolean {
    return (this.role === 'commander' || this.role === 'service') && !this.mustChange;
  }

  /** Whether what only the commander may do is offered. */
  get isCommander(): boolean {
    return this.role === 'commander';
  }

  /** Whether the hub would let this be done, such as `alerts:act`; what it would refuse is not offered. */
  can(permission: string): boolean {
    return this.#held.has(permission);
  }

  /** All that the hub would let be done. */
  get permissions(): string[] {
    return [...this.#held];
  }

  async ask(): Promise<void> {
    this.#take(await get('/api/v1/session'));
  }

  async signIn(token: string): Promise<void> {
    this.#take(await post('/api/v1/session', { body: { token } }));
  }

  async signInAs(name: string, password: string): Promise<void> {
    this.#take(await post('/api/v1/session', { body: { name, password } }));
  }

  /** Makes the first user of a hub that has none, and signs them in. */
  async createFirst(code: string, name: string, password: string): Promise<void> {
    this.#take(await post('/api/v1/access/first', { body: { code, name, password } }));
  }

  async changePassword(old: string, other: string): Promise<void> {
    this.#take(await put('/api/v1/session/password', { body: { old, new: other } }));
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
    this.name = undefined;
    this.mustChange = false;
    this.#held = new Set();
    trust(undefined);
  }

  #take(view: Schemas['SessionView']): void {
    trust(view.csrf ?? undefined);
    this.name = view.name ?? undefined;
    this.mustChange = view.must_change ?? false;
    this.#held = new Set(view.permissions ?? []);
    this.role = view.role;
    if (this.isSignedIn) settings.rememberVisit();
  }
}

export const session = new Session();
onSignedOut(() => session.leave());
