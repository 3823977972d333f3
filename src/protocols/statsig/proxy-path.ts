// The proxies in front of this one, named to its origin by the header Via: one that finds itself among them has met a loop.

/** How proxies of this program name themselves; other names in Via are of no interest, and may be anything. */
const HOP = /^\s*1\.1 (spec-forward-proxy-[0-9a-f]{16})\s*$/;
/** Of a Via as it comes. */
const HOPS_READ_MAX = 64;
/** One that asked lately is enough to find a loop: every proxy in it keeps asking. */
const IN_FRONT_MAX = 8;

/** The ways to all origins: each may lead through other proxies. */
export interface ProxyPaths {
  readonly specs: ProxyPath;
  readonly idLists: ProxyPath;
  readonly logEvents: ProxyPath;
}

/** `id`: 16 hexadecimal digits, of this process only; not to be guessed, as who knows it can have requests refused. */
export function createProxyPaths(id: string): ProxyPaths {
  return { specs: new ProxyPath(id), idLists: new ProxyPath(id), logEvents: new ProxyPath(id) };
}

/** Of one origin. An answer never names anybody. */
export class ProxyPath {
  readonly #self: string;
  /** The proxies that asked lately, and those in front of them; the one that asked longest ago first. */
  readonly #inFront = new Set<string>();

  constructor(id: string) {
    this.#self = `spec-forward-proxy-${id}`;
  }

  /** The Via of a request to the origin. It goes out for all who ask, so it names them all. */
  get via(): string {
    return [...this.#inFront, this.#self].map((proxy) => `1.1 ${proxy}`).join(', ');
  }

  /** To be called with the Via of each request that has one; returns whether this proxy is in front of its sender. */
  isLoop(via: string): boolean {
    const hops = via.split(',', HOPS_READ_MAX).flatMap((hop) => HOP.exec(hop)?.[1] ?? []);
    if (hops.includes(this.#self)) return true;
    for (const proxy of hops) {
      this.#inFront.delete(proxy);
      this.#inFront.add(proxy);
    }
    for (const proxy of this.#inFront) {
      if (this.#inFront.size <= IN_FRONT_MAX) break;
      this.#inFront.delete(proxy);
    }
    return false;
  }
}
