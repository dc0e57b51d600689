// Queries of telemetry, through Prometheus' interface.
import { get } from '../api/client';

export interface Series {
  labels: Record<string, string>;
  /** Pairs of seconds and value, in order of time. */
  samples: [number, number][];
}

interface Envelope {
  data: { resultType: string; result: unknown };
}

/** A query over a range of time, both ends in seconds. */
export async function range(query: string, start: number, end: number, stepS: number, signal?: AbortSignal): Promise<Series[]> {
  const answer = (await get('/prometheus/api/v1/query_range', { query: { query, start, end, step: stepS }, signal })) as Envelope;
  const result = answer.data.result as { metric: Record<string, string>; values?: [number, string][] }[];
  return result.map((series) => ({
    labels: series.metric,
    samples: (series.values ?? []).map(([at, value]): [number, number] => [at, Number(value)])
  }));
}

/** How a series is named: its metric and its labels, as PromQL writes them. */
export function seriesName(labels: Record<string, string>): string {
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return pairs.length ? `${name}{${pairs.join(', ')}}` : name || '{}';
}

/** What series differ in: labels that all of them share say nothing in a legend. */
export function shortNames(all: Series[]): string[] {
  const shared = (key: string) => all.every((series) => series.labels[key] === all[0]?.labels[key]);
  return all.map((series) => {
    const differing = Object.fromEntries(Object.entries(series.labels).filter(([key]) => all.length > 1 && !shared(key)));
    return Object.keys(differing).length ? seriesName(differing) : seriesName(series.labels);
  });
}

/** Series side by side on one axis of time, as plots want them. */
export function align(all: Series[]): [number[], ...(number | null)[][]] {
  const times = [...new Set(all.flatMap((series) => series.samples.map(([at]) => at)))].sort((a, b) => a - b);
  const index = new Map(times.map((at, place) => [at, place]));
  const columns = all.map((series) => {
    const column = new Array<number | null>(times.length).fill(null);
    for (const [at, value] of series.samples) column[index.get(at) ?? 0] = Number.isFinite(value) ? value : null;
    return column;
  });
  return [times, ...columns];
}
