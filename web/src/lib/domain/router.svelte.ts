// Where in the console one is: the path below /console, and its query. Links are plain links.

const BASE = '/console';

class Route {
  path = $state('/');
  query = $state.raw(new URLSearchParams());

  constructor() {
    this.#read();
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** The parts of the path: `/launch/alpha` is `['launch', 'alpha']`. */
  get parts(): string[] {
    return this.path.split('/').filter(Boolean).map(decode);
  }

  go(to: string): void {
    history.pushState(null, '', href(to));
    this.#read();
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
  }

  /** Writes what a page shows into its address, without a step back for each change. */
  keep(query: Record<string, string | undefined>): void {
    const next = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value) next.set(key, value);
    const text = next.toString();
    if (text === this.query.toString()) return;
    history.replaceState(null, '', `${location.pathname}${text ? `?${text}` : ''}`);
    this.query = next;
  }

  #read(): void {
    this.path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) || '/' : '/';
    this.query = new URLSearchParams(location.search);
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.origin !== location.origin || !link.pathname.startsWith(`${BASE}/`)) return;
    if (link.hash) return;
    event.preventDefault();
    this.go(link.pathname.slice(BASE.length) + link.search);
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page: `href('/launch/alpha')`. */
export function href(to: string): string {
  return `${BASE}${to}`;
}

export const route = new Route();
