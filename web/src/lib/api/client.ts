// Asks the hub, with types of its OpenAPI document. Every refusal is a Problem, also when nothing answers.
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** What the hub says of a request that it refuses; `unreachable` when it says nothing. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly retryAfterS?: number
  ) {
    super(detail);
  }
}

type Method = 'get' | 'post' | 'put' | 'delete';
type Having<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Body<R> = R extends { content: { 'application/json': infer B } } ? B : unknown;
type Good<R> = Extract<keyof R, 200 | 201 | 202>;
/** Any of the answers that a route has when all is well. */
type Answer<O> = O extends { responses: infer R } ? ([Good<R>] extends [never] ? unknown : { [S in Good<R>]: Body<R[S]> }[Good<R>]) : unknown;
type Sent<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : unknown;
/** A list is given as often as it has values. */
type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface Options<B = unknown> {
  path?: Record<string, string | number>;
  query?: Query;
  body?: B;
  signal?: AbortSignal;
}

/** Longer than the hub takes for any answer that is not a stream. */
const PATIENCE_MS = 25_000;

/** What changes show beside the cookie; known once somebody is signed in. */
let csrf: string | undefined;
let whenSignedOut: () => void = () => {};

export function trust(token: string | undefined): void {
  csrf = token;
}

export function onSignedOut(act: () => void): void {
  whenSignedOut = act;
}

export const get = <P extends Having<'get'>>(path: P, options: Options = {}) =>
  ask<Answer<Operation<P, 'get'>>>('get', path, options);
export const post = <P extends Having<'post'>>(path: P, options: Options<Sent<Operation<P, 'post'>>> = {}) =>
  ask<Answer<Operation<P, 'post'>>>('post', path, options);
export const put = <P extends Having<'put'>>(path: P, options: Options<Sent<Operation<P, 'put'>>> = {}) =>
  ask<Answer<Operation<P, 'put'>>>('put', path, options);
export const remove = <P extends Having<'delete'>>(path: P, options: Options = {}) =>
  ask<Answer<Operation<P, 'delete'>>>('delete', path, options);

/** The address of a route with its parameters in place. */
export function address(path: string, options: Pick<Options, 'path' | 'query'> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(options.path?.[name] ?? '')));
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options.query ?? {})) {
    if (Array.isArray(value)) for (const one of value as string[]) query.append(key, one);
    else if (value !== undefined && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return text ? `${filled}?${text}` : filled;
}

async function ask<T>(method: Method, path: string, options: Options): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'get' && csrf) headers['x-csrf-token'] = csrf;
  const late = AbortSignal.timeout(PATIENCE_MS);
  let response: Response;
  try {
    response = await fetch(address(path, options), {
      method: method.toUpperCase(),
      headers,
      credentials: 'same-origin',
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, late]) : late
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new Problem(0, 'unreachable', 'the hub does not answer');
  }
  // A password that is refused ends no session.
  return answerOf<T>(response, !path.startsWith('/api/v1/session'));
}

async function answerOf<T>(response: Response, needsSession: boolean): Promise<T> {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const body: unknown = type.includes('json') && text ? JSON.parse(text) : text;
  // Of the hub's health, an answer that says "no" is an answer.
  if (response.ok || (response.status === 503 && isReadiness(body))) return body as T;
  const said = (typeof body === 'object' && body ? body : {}) as Partial<Schemas['ProblemDetails']> & { error?: string };
  const problem = new Problem(
    response.status,
    said.code ?? String(response.status),
    said.detail ?? said.error ?? (typeof body === 'string' && body ? body : response.statusText),
    said.retry_after_s ?? undefined
  );
  if (needsSession && problem.code === 'unauthenticated') whenSignedOut();
  throw problem;
}

function isReadiness(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'parts' in body;
}
