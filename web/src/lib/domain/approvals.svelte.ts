// Commands that take two people: what waits for the second, and what they say to it.
import { Problem, get, post, type Schemas } from '../api/client';
import { Poll } from '../api/poll.svelte';
import { t } from '../i18n/index.svelte';
import { OWN } from './access.svelte';
import { hub } from './hub.svelte';
import { notices } from './notices.svelte';
import { session } from './session.svelte';
import type { Tone } from './severity';

export type Approval = Schemas['ApprovalView'];
type Given = Schemas['GivenView'];

/** A reason has at most 512 bytes in the hub, and a letter at most three for each unit of its length here. */
export const REASON_LENGTH_MAX = 170;
const EVERY_MS = 1000;
/** Of one rocket, those that were over while its page was open. */
const OVER_MAX = 3;
/** Stages of an order that was given; in the others it was not. */
const GIVEN = ['released', 'accepted', 'completed'];

export const approvalPath = (one: Approval): string => `/access/approvals/${one.id}`;
export const isOpen = (one: Approval): boolean => one.state === 'requested' || one.state === 'approved';

export function stateTone(state: Approval['state']): Tone {
  if (state === 'used') return 'good';
  if (state === 'denied') return 'bad';
  return state === 'requested' || state === 'approved' ? 'warn' : 'idle';
}

/** What is left until it releases nothing, in seconds. */
export const left = (one: Approval, now: number): number => Math.max(0, (Date.parse(one.expires_at) - now) / 1000);

/** Lets it through: the command is given at once, and what came of it is said. */
export function approve(one: Approval): Promise<Approval | undefined> {
  return answer(async () => {
    const given = await post('/api/v1/access/approvals/{id}/approve', { path: { id: one.id } });
    sayWhatCame(given);
    return given.approval;
  });
}

export function deny(one: Approval, reason: string): Promise<Approval | undefined> {
  return answer(() => post('/api/v1/access/approvals/{id}/deny', { path: { id: one.id }, body: { reason } }));
}

export function cancel(one: Approval): Promise<Approval | undefined> {
  return answer(() => post('/api/v1/access/approvals/{id}/cancel', { path: { id: one.id } }));
}

async function answer(act: () => Promise<Approval>): Promise<Approval | undefined> {
  const changed = await notices.attempt(act);
  // Also after a refusal, which somebody else's answer may be the reason of.
  void hub.approvals.now();
  return changed;
}

/** An approval is used up by an order that was refused, too. */
function sayWhatCame({ approval, result }: Given): void {
  const { stage, reason } = (result ?? {}) as { stage?: string; reason?: string | null };
  if (stage === undefined || GIVEN.includes(stage)) return notices.say(t('approvals.given', { summary: approval.summary }));
  const why = reason ? `${stage}: ${reason}` : stage;
  void notices.attempt(() => Promise.reject(new Problem(200, stage, t('approvals.notGiven', { summary: approval.summary, why }))));
}

/** The rocket and the module that a command is about, if it is about one. */
function about(one: Approval): { rocket?: string; module?: string } {
  if (one.action !== 'launch.destroy') return {};
  try {
    return JSON.parse(one.command) as { rocket?: string; module?: string };
  } catch {
    return {};
  }
}

/** What waits for a second person about one rocket, and what was over while somebody looked. */
export class Destructions {
  readonly poll: Poll<Approval[]>;
  /** Who could approve, by the approval; known to whoever asked on this page. */
  approvers = $state.raw<ReadonlyMap<string, string[]>>(new Map());

  constructor(rocket: string) {
    this.poll = new Poll(async (signal) => (session.can(OWN) ? this.#ask(rocket, signal) : []), EVERY_MS);
  }

  get list(): Approval[] {
    return this.poll.value ?? [];
  }

  /** The one that waits about a module. */
  waiting(module: string): Approval | undefined {
    return this.list.find((one) => isOpen(one) && about(one).module === module);
  }

  asked(waits: Schemas['AwaitingApproval']): void {
    this.approvers = new Map([...this.approvers, [waits.approval, waits.approvers]]);
    void this.poll.now();
    void hub.approvals.now();
  }

  take(changed: Approval | undefined): void {
    if (changed) this.poll.take(this.list.map((one) => (one.id === changed.id ? changed : one)));
    else void this.poll.now();
  }

  drop(over: Approval): void {
    this.poll.take(this.list.filter((one) => one.id !== over.id));
  }

  async #ask(rocket: string, signal: AbortSignal): Promise<Approval[]> {
    const all = await get('/api/v1/access/approvals', { query: { open: true }, signal });
    const open = all.filter((one) => about(one).rocket === rocket);
    const gone = this.list.filter((one) => isOpen(one) && !open.some((other) => other.id === one.id));
    const ended = await Promise.all(gone.map((one) => get('/api/v1/access/approvals/{id}', { path: { id: one.id }, signal })));
    const over = this.list.filter((one) => !isOpen(one));
    return [...open, ...ended, ...over].slice(0, open.length + ended.length + OVER_MAX);
  }
}
