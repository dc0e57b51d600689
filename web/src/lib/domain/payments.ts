// How payments are written and looked for. Amounts are the hub's decimal texts, and never numbers: a cent is a cent.
import type { Schemas } from '../api/client';
import { settings } from './settings.svelte';
import type { Tone } from './severity';

export type Found = Schemas['FoundTransaction'];

/** The three queues that transactions go through, in order. */
export const stages = ['inject', 'post', 'journal'] as const;
/** What a search can say, as the routes name it. */
export const criteria = ['account', 'text', 'from', 'to', 'amount_min', 'amount_max', 'currency', 'status', 'kind'] as const;
export type Criterion = (typeof criteria)[number];
export const statuses = ['posted', 'rejected', 'known'] as const;
export const kinds = ['transfer', 'deposit', 'withdrawal', 'card_payment', 'fee', 'authorise', 'capture', 'release', 'reversal'] as const;

const THIN = '\u202f';

/** A decimal text with thin spaces between thousands, and the reader's decimal mark. */
export function money(text: string | null | undefined): string {
  if (!text) return '–';
  const [whole = '', cents] = text.replace('-', '−').split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return cents === undefined ? grouped : `${grouped}${settings.language === 'fr' ? ',' : '.'}${cents}`;
}

export function statusTone(status: Found['status']): Tone {
  if (status === 'posted') return 'good';
  return status === 'rejected' ? 'bad' : 'idle';
}

export function accountTone(status: string): Tone {
  if (status === 'open') return 'good';
  return status === 'frozen' ? 'warn' : 'idle';
}

/** Whether a text could be the number of an account: the hub says for sure. */
export function looksLikeIban(text: string): boolean {
  return /^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/.test(iban(text));
}

/** As people write it, with spaces and small letters, is as the hub wants it. */
export function iban(text: string): string {
  return text.replace(/\s/g, '').toUpperCase();
}

/** The time of a field of day and time, whose reader was told that it is UTC. */
export function utcTime(local: string): string | undefined {
  const at = new Date(`${local}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

export const accountPath = (number: string): string => `/payments/accounts/${encodeURIComponent(number)}`;
export const transactionPath = (id: string): string => `/payments/transactions/${encodeURIComponent(id)}`;
