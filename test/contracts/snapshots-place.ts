// A place for snapshots as its contract sees it, and what has to come out of it for what was put in.
import assert from 'node:assert/strict';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import type { Loading, Snapshot, Snapshots } from '../../src/storage/snapshots.js';
import { decodedBytes, DEMO_PAYLOADS, etagOf, type DemoPayloads } from '../fakes/demo-payloads.js';

export interface SnapshotsPlace {
  /** A handle on the place, as another process would hold it. It is closed when the test is over. */
  open(): Promise<Snapshots>;
  /**
   * What is stored becomes this much older, as if the time had passed: a place that moves with a hand-turned clock
   * turns it, another one sets its entries back. What a handle may remember of confirmations is out of date then.
   */
  age(durationMs: number): Promise<void>;
}

/** Longer than any place may answer a confirmation from memory, or leave the time of one unwritten. */
export const A_MINUTE_MS = 60_000;

/** Of the size that versions of real specs have: milliseconds since 1970. */
export const TIME = 1_750_000_000_000;
export const KEY = 'secret-contract0123456789';

/** A key that no other of DEMO_PAYLOADS has: some of them ask for the same payload. */
export function ownKey(demo: DemoPayloads): PayloadKey {
  return demo.keyOf(`${KEY}-${DEMO_PAYLOADS.indexOf(demo)}`);
}

/** Whether the payload was found: as it was saved, or without its encoding where the place keeps it so. */
export function holds(loading: Loading, saved: Payload): boolean {
  if (loading.kind !== 'found') return false;
  const { version: found, originForm: form } = loading.snapshot.payload;
  const isAsSaved = form.encoding === saved.originForm.encoding && form.bytes.equals(saved.originForm.bytes);
  const isDecoded = form.encoding === 'identity' && form.bytes.equals(decodedBytes(saved.originForm));
  return found === saved.version && (isAsSaved || isDecoded);
}

export function assertHolds(loading: Loading, saved: Payload): Snapshot {
  assert.ok(loading.kind === 'found', `found, and not ${JSON.stringify(loading)}`);
  const { snapshot } = loading;
  const { payload, confirmedAgoMs } = snapshot;
  assert.equal(payload.version, saved.version);
  assert.ok(
    holds(loading, saved),
    `the bytes of version ${saved.version}, as ${payload.originForm.encoding}`,
  );
  assert.equal(payload.format, saved.format);
  assert.equal(payload.identityBytes, saved.identityBytes);
  assert.equal(payload.checksum, saved.checksum);
  assert.equal(payload.originForm.etag, etagOf(payload.originForm.bytes));
  assert.ok(confirmedAgoMs >= 0, `${confirmedAgoMs} ms`);
  return snapshot;
}

/** Outcomes may tell more where a place knows more: who else confirmed what is stored. */
export function plain(outcome: object): object {
  return Object.fromEntries(Object.entries(outcome).filter(([name]) => name !== 'othersAgoMs'));
}
