// Asks the origin once for what the daemon would fetch at its start: the payloads of pinned keys, a bounded number of them.
import { randomBytes } from 'node:crypto';
import { buildOrigins } from '../app/origins.js';
import { payloadsAtStart } from '../app/pinned-payloads.js';
import { toPinnedPayloadNames, toUpstreamOptions } from '../app/room-options.js';
import type { FetchOutcome } from '../core/origin.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { createProxyPaths } from '../protocols/statsig/proxy-path.js';
import { SharedConnections } from '../http-client/upstream-pool.js';
import type { World } from '../app/world.js';
import type { Config } from '../config/load-config.js';

/** Each costs the origin a whole spec or three. */
export const KEYS_TRIED_MAX = 100;
/** As many bodies are held at one time. */
const FETCHES_AT_ONCE = 8;

export interface TriedPayload {
  readonly key: PayloadKey;
  /** Without its body, of which only the sizes matter here. */
  readonly outcome: Answer;
}

export type Answer =
  | {
      readonly kind: 'updated';
      readonly version: number;
      readonly encodedBytes: number;
      readonly identityBytes: number;
    }
  | Exclude<FetchOutcome, { readonly kind: 'updated' }>;

export interface TriedPayloads {
  /** Of the keys that were tried, in the order of the settings. */
  readonly payloads: readonly TriedPayload[];
  readonly keysTried: number;
}

type Needed = Pick<World, 'clock' | 'log' | 'version' | 'lookup'> & { readonly config: Config };

/** Never rejects: what the origin said, or why it said nothing, is the answer. */
export async function tryPinnedKeys({ config, clock, log, version, lookup }: Needed): Promise<TriedPayloads> {
  const connections = new SharedConnections(clock, { ...toUpstreamOptions(config, version), lookup });
  const paths = createProxyPaths(randomBytes(8).toString('hex'));
  const { origin } = buildOrigins(config, { clock, log, version }, connections, paths);
  const sdkKeys = [...config.pinnedSdkKeys].slice(0, KEYS_TRIED_MAX);
  const limit = createConcurrencyLimit(FETCHES_AT_ONCE);
  try {
    const payloads = await Promise.all(
      payloadsAtStart(sdkKeys, toPinnedPayloadNames(config)).map((key) =>
        limit(async () => ({ key, outcome: toAnswer(await origin.fetch(key, 0)) })),
      ),
    );
    return { payloads, keysTried: sdkKeys.length };
  } finally {
    await origin.close();
    await connections.close();
  }
}

function toAnswer(outcome: FetchOutcome): Answer {
  if (outcome.kind !== 'updated') return outcome;
  const { version, originForm, identityBytes } = outcome.payload;
  return { kind: 'updated', version, encodedBytes: originForm.bytes.length, identityBytes };
}
