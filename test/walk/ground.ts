// Where a random walk goes: an origin of some kind that has trouble until it is told to be calm.
import { HONEST, startRawOrigin, type SiteAnswer, type WholeRequest } from '../fakes/raw-origin.js';
import { H2Origin, H2_FAULTS, type H2Fault } from '../fakes/h2-origin.js';
import { StatsigSite } from '../fakes/statsig-site.js';
import type { Dice } from './dice.js';
import { anyPlan, rightPlan } from './raw-trouble.js';

export interface Ground {
  readonly url: string;
  readonly site: StatsigSite;
  /** Of the certificate authority of its TLS; empty without TLS. */
  readonly caPem: string;
  isCalm: boolean;
  /** Something that strikes all connections at once, where there is such a thing. */
  strike(): void;
  readonly openConnections: number;
  /** So many connections, or fewer, are kept when it is calm. */
  readonly keptConnectionsMax: number;
  close(): Promise<void>;
}

const SPEC_BYTES = { small: 1_000, middle: 30_000, large: 200_000 } as const;
export const SDK_KEYS = Object.keys(SPEC_BYTES).map((size) => `secret-${size}key0123456789`);

/** Ten for each of specs, manifests, files and events, and in a rush as many as there are specs to ask for. */
const KEPT_BY_HTTP1 = 80;
/** Two sessions for each of them. */
const KEPT_BY_HTTP2 = 8;
const STATUSES = [500, 503, 429, 408] as const;

function startSite(): StatsigSite {
  return new StatsigSite((sdkKey) => {
    const size = Object.entries(SPEC_BYTES).find(([name]) => sdkKey.startsWith(`secret-${name}`));
    return size?.[1] ?? SPEC_BYTES.small;
  });
}

/** Now and then an error in the place of an answer; none that says that a key is bad, or a batch of events. */
function orError(
  dice: Dice,
  request: WholeRequest,
  answer: (request: WholeRequest) => SiteAnswer,
): SiteAnswer {
  if (!dice.chance(0.1)) return answer(request);
  const body = Buffer.alloc(dice.oneOf([0, 100, 100_000]), '401 Unauthorized ');
  return { status: dice.oneOf(STATUSES), headers: { 'content-type': 'text/html' }, body };
}

export async function startRawGround(dice: Dice): Promise<Ground> {
  const site = startSite();
  const origin = await startRawOrigin((request) =>
    ground.isCalm ? site.answer(request) : orError(dice, request, site.answer),
  );
  origin.plan = (head) => {
    // Calm in all its forms, but for what closes connections: of those that are kept, some are to stay.
    if (ground.isCalm) return dice.chance(0.9) ? HONEST : rightPlan(dice);
    return anyPlan(dice, head);
  };
  site.filesUrl = origin.url;
  const ground: Ground = {
    url: origin.url,
    site,
    caPem: '',
    isCalm: true,
    strike: () => undefined,
    get openConnections() {
      return origin.openConnections;
    },
    keptConnectionsMax: KEPT_BY_HTTP1,
    close: () => origin.close(),
  };
  return ground;
}

/** In these the client may have been told the status. */
const TOLD = /-(?:during|after)$|^goaway-before$/;

export async function startH2Ground(dice: Dice): Promise<Ground> {
  const site = startSite();
  const faults = new Map<number, H2Fault>();
  const origin = await H2Origin.listen({
    handler: ({ index, method, path, headers, body }) => {
      const fault = faults.get(index);
      faults.delete(index);
      const plain = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
      // Where the client gave up, half of a batch has come.
      const isWhole = body.length === Number(headers['content-length'] ?? 0);
      const whole = isWhole ? body : Buffer.alloc(0);
      const request = { method, target: path, headers: Object.fromEntries(plain), body: whole };
      const answer = ground.isCalm ? site.answer(request) : orError(dice, request, site.answer);
      if (fault === undefined || TOLD.test(fault)) answer.told?.();
      return answer;
    },
  });
  origin.fault = ({ index }) => {
    if (ground.isCalm || dice.chance(0.6)) return undefined;
    const fault = dice.oneOf(H2_FAULTS);
    faults.set(index, fault);
    return fault;
  };
  site.filesUrl = origin.url;
  let isCalm = true;
  const ground: Ground = {
    url: origin.url,
    site,
    caPem: origin.caPem,
    get isCalm() {
      return isCalm;
    },
    set isCalm(calm) {
      isCalm = calm;
      if (calm) origin.change({ initialWindowSize: 65_535, maxConcurrentStreams: 100 });
    },
    strike: () => {
      const strikes = [
        () => {
          origin.goaway();
        },
        () => {
          origin.swallow();
        },
        () => {
          origin.change({ initialWindowSize: 0 });
        },
        () => {
          origin.change({ maxConcurrentStreams: 1, initialWindowSize: 65_535 });
        },
      ] as const;
      dice.oneOf(strikes)();
    },
    get openConnections() {
      return origin.connectionsOpen;
    },
    keptConnectionsMax: KEPT_BY_HTTP2,
    close: () => origin.close(),
  };
  return ground;
}
