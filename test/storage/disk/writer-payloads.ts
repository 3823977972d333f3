// What endless writers store: bodies that take several writes each, so that some are always half written.
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import type { Payload } from '../../../src/domain/payload.js';
import { DEMO } from '../../fakes/demo-payloads.js';

const FILLER_GATES = 1500;

export const WRITER_LIMITS = { encodedBytesMax: 1e7, decodedBytesMax: 1e7 };
export const WRITER_KEYS: readonly PayloadKey[] = ['a', 'b', 'c'].map((sdkKey) => DEMO.v2Json.keyOf(sdkKey));

/** About 700 kB. */
export function largePayload(version: number): Payload {
  return DEMO.v2Json.payloadOf(version, FILLER_GATES);
}
