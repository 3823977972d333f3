// Any order of steps on a place for copies, held against a model of one line: which list each name holds, how far.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CopyBytes, CopyPlace } from '../../src/protocols/statsig/id-lists/copy-place.js';
import { copyName, listBytes, piecesOf } from './copy-bytes.js';

const RUNS = 40;
const STEPS_MAX = 25;
const LISTS_MAX = 90;

interface Step {
  readonly kind: 'create' | 'append' | 'read' | 'remove';
  readonly name: string;
  /** To append; or the part to read, of 200,000. */
  readonly from: number;
  readonly bytes: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('create', 'append', 'append', 'append', 'read', 'read', 'remove'),
  name: fc.constantFrom(copyName('a'), copyName('b')),
  from: fc.nat(200_000),
  bytes: fc.nat(200_000),
});

interface Held {
  readonly copy: CopyBytes;
  readonly list: number;
  length: number;
}

/** Some readings are gone through at the end, when some of their copies are gone: these may fail, and give no other bytes. */
export async function anyOrderOfSteps(place: CopyPlace): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
      const held = new Map<string, Held>();
      const readings: {
        readonly expected: Buffer;
        readonly reading: AsyncIterable<Uint8Array>;
        readonly known: Held;
      }[] = [];
      for (const [index, next] of steps.entries()) {
        await take(next, index % LISTS_MAX, place, held);
        const known = held.get(next.name);
        assert.equal(known?.copy.length, known?.length);
        if (next.kind !== 'read' || known === undefined) continue;
        const from = Math.min(next.from, known.length);
        const to = Math.min(from + next.bytes, known.length);
        const reading = known.copy.read(from, to);
        const expected = listBytes(known.list, from, to);
        if (index % 2 === 0) readings.push({ reading, expected, known });
        else assert.ok(Buffer.concat(await piecesOf(reading)).equals(expected), 'the bytes of the list');
      }
      for (const { reading, expected, known } of readings) {
        const isThere = [...held.values()].includes(known);
        const bytes = await piecesOf(reading).catch((error: unknown) => {
          assert.ok(!isThere, String(error));
        });
        assert.ok(bytes === undefined || Buffer.concat(bytes).equals(expected), 'the bytes of the list');
      }
      for (const { copy } of held.values()) await copy.remove();
    }),
    { numRuns: RUNS },
  );
}

async function take(next: Step, list: number, place: CopyPlace, held: Map<string, Held>): Promise<void> {
  const known = held.get(next.name);
  if (next.kind === 'create') {
    held.set(next.name, { copy: await place.create(next.name), list, length: 0 });
  } else if (known !== undefined && next.kind === 'append') {
    const to = known.length + next.bytes;
    await known.copy.append(listBytes(known.list, known.length, to));
    known.length = to;
  } else if (known !== undefined && next.kind === 'remove') {
    await known.copy.remove();
    held.delete(next.name);
  }
}
