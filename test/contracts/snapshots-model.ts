// Any order of steps by two handles on one place for snapshots, held against a model of one line: the version stored.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Snapshots, Storing } from '../../src/storage/snapshots.js';
import { DEMO_PAYLOADS, type DemoPayloads } from '../fakes/demo-payloads.js';
import { A_MINUTE_MS, assertHolds, plain, type SnapshotsPlace } from './snapshots-place.js';

const RUNS = 40;
const STEPS_MAX = 30;

interface Step {
  readonly kind: 'save' | 'confirm' | 'remove';
  readonly handle: 0 | 1;
  readonly version: number;
}

/** Few versions, so that they often meet; seldom removed, so that they often differ. */
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('save', 'save', 'save', 'confirm', 'confirm', 'remove'),
  handle: fc.constantFrom(0, 1),
  version: fc.nat(4),
});

export async function anyOrderOfSteps(first: Snapshots, place: SnapshotsPlace): Promise<void> {
  const handles = [first, await place.open()] as const;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...DEMO_PAYLOADS),
      fc.array(step, { maxLength: STEPS_MAX }),
      async (demo, steps) => {
        // A key of its own for each run: the place need not be emptied between them.
        const key = demo.keyOf(`secret-run-${(runs += 1)}`);
        let stored: number | undefined;
        for (const next of steps) {
          if (next.kind === 'confirm') await place.age(A_MINUTE_MS);
          const outcome = await take(next, handles[next.handle], key, demo);
          assert.deepEqual(plain(outcome), outcomeOf(next, stored), JSON.stringify({ next, stored }));
          stored = storedAfter(next, stored);
          const loaded = await handles[0].load(key);
          if (stored === undefined) assert.deepEqual(loaded, { kind: 'missing' });
          else assertHolds(loaded, demo.payloadOf(stored));
        }
      },
    ),
    { numRuns: RUNS },
  );
}

function take(next: Step, snapshots: Snapshots, key: PayloadKey, demo: DemoPayloads): Promise<object> {
  if (next.kind === 'save') return snapshots.save(key, demo.payloadOf(next.version), 0);
  return next.kind === 'confirm' ? snapshots.confirm(key, next.version) : snapshots.remove(key);
}

function outcomeOf({ kind, version }: Step, stored: number | undefined): object {
  if (kind === 'remove') return { kind: stored === undefined ? 'missing' : 'removed' };
  if (stored !== undefined && stored > version) return { kind: 'newer', version: stored } satisfies Storing;
  if (kind === 'confirm' && stored !== version) return { kind: 'behind' };
  return { kind: 'stored' };
}

function storedAfter({ kind, version }: Step, stored: number | undefined): number | undefined {
  if (kind === 'remove') return undefined;
  return kind === 'save' ? Math.max(version, stored ?? 0) : stored;
}
