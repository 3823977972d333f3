// The origin's client beside a real origin, as its tests start them.
import type { TestContext } from 'node:test';
import type { FetchOutcome, Origin } from '../../../../src/core/origin.js';
import { systemClock } from '../../../../src/domain/clock.js';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import { SPEC_V1, SPEC_V2 } from '../../../../src/protocols/statsig/resource-kinds.js';
import {
  createUpstreamClient,
  type UpstreamOptions,
} from '../../../../src/protocols/statsig/origin/upstream-client.js';
import { startFakeOrigin, type FakeOrigin } from '../../../fakes/fake-origin.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';

const MIB = 1024 * 1024;
export const V1: PayloadKey = { sdkKey: 'secret-testkey0123456789', kind: SPEC_V1, format: 'json' };
export const PROTOBUF: PayloadKey = { ...V1, kind: SPEC_V2, format: 'protobuf' };

export function optionsFor(endpoint: string, changes: Partial<UpstreamOptions> = {}): UpstreamOptions {
  return {
    ...CLIENT_OPTIONS,
    endpoint: new URL(endpoint),
    bodyLimits: { encodedBytesMax: 16 * MIB, decodedBytesMax: 32 * MIB },
    ...changes,
  };
}

interface Pair {
  readonly origin: FakeOrigin;
  readonly client: Origin;
}

/** Both are closed at the end of the test. */
export async function startPair(t: TestContext, changes: Partial<UpstreamOptions> = {}): Promise<Pair> {
  const origin = await startFakeOrigin();
  const client = createUpstreamClient(systemClock, optionsFor(origin.url, changes));
  t.after(async () => {
    await client.close();
    await origin.close();
  });
  return { origin, client };
}

export function reasonOf(outcome: FetchOutcome): string {
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
}
