// The addresses of a host, asked for anew for each connection: what a name leads to changes, mostly when something failed.
import { lookup } from 'node:dns/promises';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';

/** In the order in which they are to be tried; at least one, else it rejects. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/**
 * The system's resolver holds one of Node's four threads for as long as it hangs, ten seconds and more, whoever has given up
 * meanwhile; files and compression need them too.
 */
const LOOKUPS_MAX = 2;

/** Those who ask for a host while it is being asked for wait for the same answer. */
export function sharingLookups(ask: Lookup): Lookup {
  const limit = createConcurrencyLimit(LOOKUPS_MAX);
  const asked = new Map<string, Promise<readonly string[]>>();
  return (host) => {
    const known = asked.get(host);
    if (known !== undefined) return known;
    const answer = limit(() => ask(host)).finally(() => asked.delete(host));
    asked.set(host, answer);
    return answer;
  };
}

export const systemLookup: Lookup = sharingLookups(resolveByTurns);

/** In the resolver's order, its two families by turns, as one of them may lead nowhere. */
async function resolveByTurns(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  const first = found.filter(({ family }) => family === found[0]?.family);
  const second = found.filter(({ family }) => family !== found[0]?.family);
  return first
    .flatMap((entry, index) => [entry, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length))
    .map(({ address }) => address);
}
