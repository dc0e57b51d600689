// Who may do what, as the hub's access control says it.
import { get, type Schemas } from '../api/client';
import { Poll } from '../api/poll.svelte';
import { session } from './session.svelte';

export type User = Schemas['UserView'];
export type Role = Schemas['RoleView'];
export type Token = Schemas['TokenView'];
export type Record = Schemas['AuditView'];

const EVERY_MS = 5000;
/** What is called the same in the hub: reading people, and changing them. */
export const READ = 'access:read';
export const ADMIN = 'access:admin';
export const OWN = 'access:own';
/** Names of users and roles. */
export const NAME_PATTERN = '[a-z0-9._\\-]+';
export const NAME_LENGTH_MAX = 64;

/** Asks only who would be answered. */
function allowed<T>(permission: string, ask: (signal: AbortSignal) => Promise<T>): Poll<T | undefined> {
  return new Poll(async (signal) => (session.can(permission) ? ask(signal) : undefined), EVERY_MS);
}

/** People, roles and what there is to be permitted, while a page shows them. */
export class Directory {
  users = allowed(READ, (signal) => get('/api/v1/access/users', { signal }));
  roles = allowed(READ, (signal) => get('/api/v1/access/roles', { signal }));
  permissions = allowed(READ, (signal) => get('/api/v1/access/permissions', { signal }));
  tokens = allowed(OWN, (signal) => get('/api/v1/access/tokens', { signal }));

  start(): () => void {
    const stops = [this.users, this.roles, this.permissions, this.tokens].map((poll) => poll.start());
    return () => stops.forEach((stop) => stop());
  }

  /** What each permission allows, in the hub's words. */
  get about(): Map<string, string> {
    return new Map((this.permissions.value ?? []).map((one) => [one.name, one.about]));
  }

  /** What a user holds by their roles. */
  held(name: string): string[] {
    const roles = this.users.value?.find((user) => user.name === name)?.roles ?? [];
    const held = (this.roles.value ?? []).filter((role) => roles.includes(role.name)).flatMap((role) => role.permissions);
    return [...new Set(held)].sort();
  }

  /** Whether the hub lets this visitor change a user: nobody changes who holds more. */
  governs(user: User): boolean {
    return session.can(ADMIN) && this.held(user.name).every((permission) => session.can(permission));
  }
}

/** Nobody gives what they do not hold. */
export const canGive = (role: Role): boolean => role.permissions.every((permission) => session.can(permission));

export type Standing = 'works' | 'revoked' | 'expired';

export function standing(token: Token, now: number): Standing {
  if (token.revoked_at) return 'revoked';
  return Date.parse(token.expires_at) <= now ? 'expired' : 'works';
}

/** Permissions by the part of the hub that they are of. */
export function byArea(permissions: readonly string[]): [string, string[]][] {
  const areas = new Map<string, string[]>();
  for (const permission of [...permissions].sort()) {
    const area = permission.split(':')[0] ?? '';
    areas.set(area, [...(areas.get(area) ?? []), permission]);
  }
  return [...areas];
}

/** Letters that are not taken for each other when they are read out. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 5;

/** A password to be given to somebody, of about a hundred bits. */
export function invented(): string {
  const groups = Array.from({ length: GROUPS }, () => {
    let group = '';
    while (group.length < GROUP_LENGTH) {
      const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
      // Those above the last whole round would make the first letters likelier.
      if (byte < 256 - (256 % ALPHABET.length)) group += ALPHABET[byte % ALPHABET.length];
    }
    return group;
  });
  return groups.join('-');
}
