// What every page shows: whether the hub is there, its alarms, its missions. Asked while somebody is signed in.
import { get } from '../api/client';
import { Poll } from '../api/poll.svelte';
import { session } from './session.svelte';

const HEALTH_EVERY_MS = 2000;
const ALERTS_EVERY_MS = 3000;
const MISSIONS_EVERY_MS = 2000;
const QUEUES_EVERY_MS = 3000;
const POOLS_EVERY_MS = 2000;
const APPROVALS_EVERY_MS = 2000;

/** Asks only who would be answered: a refusal every few seconds would fill the audit journal. */
function allowed<T>(permission: string, ask: (signal: AbortSignal) => Promise<T>, everyMs: number): Poll<T | undefined> {
  return new Poll(async (signal) => (session.can(permission) ? ask(signal) : undefined), everyMs);
}

class Hub {
  health = new Poll((signal) => get('/readyz', { signal }), HEALTH_EVERY_MS);
  alerts = allowed('alerts:read', (signal) => get('/api/v1/alerts', { query: { limit: 500 }, signal }), ALERTS_EVERY_MS);
  missions = allowed('launch:read', (signal) => get('/api/v1/launch/rockets', { signal }), MISSIONS_EVERY_MS);
  queues = allowed('jobs:state', (signal) => get('/api/v1/queues', { signal }), QUEUES_EVERY_MS);
  pools = allowed('fleet:read', (signal) => get('/api/v1/pools', { signal }), POOLS_EVERY_MS);
  approvals = allowed('access:own', (signal) => get('/api/v1/access/approvals', { query: { open: true }, signal }), APPROVALS_EVERY_MS);

  start(): () => void {
    const stops = [this.health, this.alerts, this.missions, this.queues, this.pools, this.approvals].map((poll) => poll.start());
    return () => stops.forEach((stop) => stop());
  }

  get connection(): 'connecting' | 'live' | 'busy' | 'lost' {
    // A hub that says that it has no time for this is not away.
    if (this.health.problem) return this.health.problem.status ? 'busy' : 'lost';
    return this.health.at ? 'live' : 'connecting';
  }

  get firing() {
    return (this.alerts.value?.alerts ?? []).filter((alert) => alert.state === 'firing');
  }

  /** Firing and nobody has said that they take care of it. */
  get unattended() {
    return this.firing.filter((alert) => !alert.acknowledged && !alert.shelf);
  }

  get dead() {
    return (this.queues.value ?? []).filter((queue) => queue.counts.dead > 0);
  }

  /** Pools whose workers die again and again. */
  get looping() {
    return (this.pools.value ?? []).filter((pool) => pool.is_crash_looping);
  }

  get notReady() {
    return (this.health.value?.parts ?? []).filter((part) => !part.ready);
  }

  /** Missions whose next step is a person's. */
  get waitingMissions() {
    return (this.missions.value ?? []).filter((mission) => ['polling', 'ready', 'held'].includes(mission.stage));
  }

  /** Commands that wait until this visitor approves or denies them. */
  get approvable() {
    return (this.approvals.value ?? []).filter((approval) => approval.can_approve);
  }

  get needs(): number {
    return this.approvable.length + this.unattended.length + this.dead.length + this.notReady.length + this.waitingMissions.length + this.looping.length;
  }
}

export const hub = new Hub();
