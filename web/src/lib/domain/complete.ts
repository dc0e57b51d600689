// What could be written next in a PromQL query: functions, metrics, labels and their values.
import { get } from '../api/client';

export type Kind = 'function' | 'metric' | 'label' | 'value';

export interface Suggestion {
  text: string;
  kind: Kind;
}

/** What is being written, and which part of the query it takes the place of. */
export interface Place {
  kind: 'name' | 'label' | 'value';
  from: number;
  typed: string;
  /** The metric before the braces, if one was written. */
  metric: string;
  /** Whose value is written. */
  label: string;
}

const FUNCTIONS = [
  'abs', 'absent', 'avg', 'avg_over_time', 'bottomk', 'by', 'ceil', 'changes', 'clamp', 'clamp_max', 'clamp_min', 'count',
  'count_over_time', 'count_values', 'day_of_week', 'delta', 'deriv', 'exp', 'floor', 'group', 'group_left', 'group_right',
  'histogram_quantile', 'hour', 'idelta', 'ignoring', 'increase', 'irate', 'label_join', 'label_replace', 'last_over_time', 'ln',
  'log10', 'log2', 'max', 'max_over_time', 'min', 'min_over_time', 'offset', 'on', 'predict_linear', 'quantile',
  'quantile_over_time', 'rate', 'resets', 'round', 'scalar', 'sort', 'sort_desc', 'sqrt', 'stddev', 'stddev_over_time', 'sum',
  'sum_over_time', 'time', 'timestamp', 'topk', 'unless', 'vector', 'without'
];
/** More cannot be read at a glance. */
const SHOWN_MAX = 12;
const NAMES_MAX = 5000;

/** Where the cursor stands in a query. */
export function placeOf(query: string, cursor: number): Place {
  const before = query.slice(0, cursor);
  const open = openBrace(before);
  const none = { metric: '', label: '' };
  if (open === undefined) {
    // A number or a span of time, such as 5m, has no completion.
    const typed = /(?:^|[^\w:.])([a-zA-Z_:][\w:]*)$/.exec(before)?.[1] ?? '';
    return { ...none, kind: 'name', from: cursor - typed.length, typed };
  }
  const metric = /([a-zA-Z_:][\w:]*)\s*$/.exec(before.slice(0, open))?.[1] ?? '';
  const value = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$/.exec(before.slice(open));
  if (value) return { kind: 'value', from: cursor - (value[2] ?? '').length, typed: value[2] ?? '', metric, label: value[1] ?? '' };
  const typed = /(?:^|[{,\s])([a-zA-Z_]\w*)$/.exec(before.slice(open))?.[1] ?? '';
  return { kind: 'label', from: cursor - typed.length, typed, metric, label: '' };
}

/** Where the brace is that is open at the end, if one is; braces in strings do not count. */
function openBrace(text: string): number | undefined {
  let open: number | undefined;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"' && text[at - 1] !== '\\') isQuoted = !isQuoted;
    else if (!isQuoted && letter === '{') open = at;
    else if (!isQuoted && letter === '}') open = undefined;
  }
  return open;
}

/** Those that begin as typed before those that hold it; nothing for what is complete already. */
export function rank(all: Suggestion[], typed: string): Suggestion[] {
  const wanted = typed.toLowerCase();
  const begins = all.filter((one) => one.text.toLowerCase().startsWith(wanted));
  const holds = all.filter((one) => !one.text.toLowerCase().startsWith(wanted) && one.text.toLowerCase().includes(wanted));
  const found = [...begins, ...holds];
  return found.length === 1 && found[0]?.text === typed ? [] : found.slice(0, SHOWN_MAX);
}

/** Asks the hub for names, once for each place of the same kind. */
export class Names {
  #known = new Map<string, Promise<string[]>>();

  async suggest(place: Place): Promise<Suggestion[]> {
    if (place.kind === 'name') {
      if (!place.typed) return [];
      const metrics = await this.#values('__name__', '');
      return rank([...FUNCTIONS.map((text) => ({ text, kind: 'function' as const })), ...metrics.map((text) => ({ text, kind: 'metric' as const }))], place.typed);
    }
    const names = place.kind === 'label' ? await this.#labels(place.metric) : await this.#values(place.label, place.metric);
    return rank(names.filter((text) => text !== '__name__').map((text) => ({ text, kind: place.kind as Kind })), place.typed);
  }

  #labels(metric: string): Promise<string[]> {
    return this.#once(`labels ${metric}`, () => get('/prometheus/api/v1/labels', { query: { 'match[]': metric || undefined } }));
  }

  #values(name: string, metric: string): Promise<string[]> {
    return this.#once(`${name} ${metric}`, () => get('/prometheus/api/v1/label/{name}/values', { path: { name }, query: { 'match[]': metric || undefined } }));
  }

  #once(key: string, ask: () => Promise<unknown>): Promise<string[]> {
    let known = this.#known.get(key);
    if (!known) {
      known = ask().then((answer) => (answer as { data: string[] }).data.slice(0, NAMES_MAX));
      this.#known.set(key, known);
      // What was refused is asked again with the next letter.
      known.catch(() => this.#known.delete(key));
    }
    return known;
  }
}
