// DNS: the addresses of each origin, of outbound proxies and of Redis, and how long the resolver took for them.
import { isIP } from 'node:net';
import type { Config } from '../config/load-config.js';
import { errorCode } from '../files/file-system.js';
import { systemLookup, type Lookup } from '../network/addresses.js';
import type { RedisAddress } from '../storage/redis/redis-address.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';
import { hostOf, originsOf } from './origins.js';

/** A connection is opened every few minutes, and its whole time is ten seconds. */
const SLOW_MS = 1_000;
const SHOWN_ADDRESSES_MAX = 4;

interface NamedHost {
  readonly host: string;
  readonly what: string;
  /** Where the outbound proxy may look it up instead. */
  readonly isBehindProxy: boolean;
}

export async function checkDns({
  config,
  clock,
  lookup = systemLookup,
}: Pick<Patient, 'config' | 'clock' | 'lookup'>): Promise<Finding[]> {
  const names = hostsOf(config).filter(({ host }) => isIP(host) === 0);
  if (names.length === 0) return [pass('settings name addresses only: nothing is to be resolved')];
  return await Promise.all(names.map((name) => resolve(clock, lookup, name)));
}

async function resolve(
  clock: Patient['clock'],
  lookup: Lookup,
  { host, what, isBehindProxy }: NamedHost,
): Promise<Finding> {
  const startMs = clock.monotonicMs();
  const name = `${host} (${what})`;
  try {
    const addresses = await lookup(host);
    const tookMs = Math.round(clock.monotonicMs() - startMs);
    const more = addresses.length > SHOWN_ADDRESSES_MAX ? ', …' : '';
    const shown = addresses.slice(0, SHOWN_ADDRESSES_MAX).join(', ') + more;
    if (tookMs <= SLOW_MS) return pass(`${name}: ${shown}, in ${tookMs} ms`);
    const remedy = 'Look at /etc/resolv.conf: a dead nameserver in front, or ndots with many search domains.';
    return warn(`${name}: ${shown}, but only after ${tookMs} ms`, remedy);
  } catch (error) {
    const why = `${name} cannot be resolved (${errorCode(error) || 'no address'})`;
    if (isBehindProxy)
      return warn(why, 'Nothing, if only the outbound proxy can resolve it; else mend the DNS.');
    return fail(why, 'Check the name in the settings, /etc/resolv.conf, and that DNS is let through.');
  }
}

function hostsOf(config: Config): readonly NamedHost[] {
  const hosts = new Map<string, NamedHost>();
  const add = (host: string, what: string, isBehindProxy = false): void => {
    if (!hosts.has(host)) hosts.set(host, { host, what, isBehindProxy });
  };
  for (const { url, uses, outboundProxy } of originsOf(config)) {
    add(hostOf(url), uses.join(', '), outboundProxy !== '');
    if (outboundProxy !== '') add(hostOf(new URL(outboundProxy)), 'outbound proxy');
  }
  if (config.redis !== undefined) {
    for (const host of redisHosts(config.redis.address)) add(host, 'Redis');
  }
  return [...hosts.values()];
}

function redisHosts(address: RedisAddress): readonly string[] {
  switch (address.kind) {
    case 'standalone':
      return [address.host];
    case 'cluster':
      return address.nodes.map(({ host }) => host);
    case 'sentinel':
      return address.sentinels.map(({ host }) => host);
  }
}
