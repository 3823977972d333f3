// Clients of every kind before one origin of HTTP/2, for the tests of sessions.
import type { TestContext } from 'node:test';
import { systemClock, type Clock } from '../../src/domain/clock.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';
import type { FetchOutcome, Origin } from '../../src/core/origin.js';
import {
  createUpstreamClient,
  type UpstreamOptions,
} from '../../src/protocols/statsig/origin/upstream-client.js';
import { H2Origin, type H2OriginOptions } from '../fakes/h2-origin.js';
import { CLIENT_OPTIONS } from './client-options.js';

/** Some kB, so that it has a first and a second half on the wire. */
export const SPEC = JSON.stringify({ has_updates: true, time: 1_750_000_000_000, text: 'x'.repeat(40_000) });

export function specKey(index: number): PayloadKey {
  return { sdkKey: `secret-testkey${String(index).padStart(10, '0')}`, kind: SPEC_V1, format: 'json' };
}

export interface Pair {
  readonly origin: H2Origin;
  readonly client: Origin;
  /** Fetches so many keys at once; what came of each. */
  readonly fetchAll: (count: number) => Promise<string[]>;
}

export async function startH2Origin(t: TestContext, options: H2OriginOptions = {}): Promise<H2Origin> {
  const handler = (): { status: number; headers: Record<string, string>; body: string } => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: SPEC,
  });
  const origin = await H2Origin.listen({ handler, ...options });
  t.after(() => origin.close());
  return origin;
}

export function optionsFor(
  origin: { readonly url: string; readonly caPem: string },
  changes: Partial<UpstreamOptions>,
): UpstreamOptions {
  return {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin.url),
    bodyLimits: { encodedBytesMax: 1_000_000, decodedBytesMax: 1_000_000 },
    caPem: origin.caPem,
    ...changes,
  };
}

export async function startPair(
  t: TestContext,
  settings: { origin?: H2OriginOptions; client?: Partial<UpstreamOptions>; clock?: Clock } = {},
): Promise<Pair> {
  const origin = await startH2Origin(t, settings.origin);
  const client = createUpstreamClient(
    settings.clock ?? systemClock,
    optionsFor(origin, settings.client ?? {}),
  );
  t.after(() => client.close());
  return {
    origin,
    client,
    fetchAll: async (count) => {
      const keys = Array.from({ length: count }, (_none, index) => specKey(index));
      return (await Promise.all(keys.map((key) => client.fetch(key, 0)))).map(told);
    },
  };
}

export function told(outcome: FetchOutcome): string {
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
}
