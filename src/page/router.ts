// Which view is shown, and of what: the part of the address behind `#`, which is never sent to the proxy.

export interface Route {
  /** Empty for the first one. */
  readonly view: string;
  /** What follows the view's name in the path. */
  readonly rest: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const [view = '', ...rest] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  return { view, rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function toHash({ view, rest, query }: Route): string {
  const path = [view, ...rest]
    .filter((part) => part !== '')
    .map(encodeURIComponent)
    .join('/');
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return `/${path}${given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`}`;
}

/** The same view with this changed in its query; what is empty leaves it. */
export function withQuery(route: Route, change: Readonly<Record<string, string>>): Route {
  return { ...route, query: { ...route.query, ...change } };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Typed by hand: no view has such a name.
    return part;
  }
}
