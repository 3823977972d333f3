// Files from copies through random growth, reads, faults of the origin and of the place: never a wrong byte, never too many.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FileReading } from '../../../../src/protocols/statsig/id-lists/file-reading.js';
import { settle } from '../../../fakes/manual-clock.js';
import { buildScene, fileNamed, lines, type FileScene } from './file-scene.js';
import type { Manner } from './scripted-origin.js';

const NAMES = ['a', 'b', 'c', 'd'] as const;
const BYTES_MAX = 150;

type Step =
  | { readonly kind: 'append'; readonly at: number; readonly lines: number }
  /** `lead`: bytes promised beyond what the origin has. */
  | {
      readonly kind: 'read';
      readonly at: number;
      readonly fromPart: number;
      readonly lead: number;
      readonly leavesAfter: number;
    }
  | { readonly kind: 'grow'; readonly at: number }
  | { readonly kind: 'manner'; readonly manner: Manner }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'release' };

const at = fc.nat(NAMES.length - 1);
const manner: fc.Arbitrary<Manner> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constant({ isWhole: true }),
  fc.constant({ tellsNoLength: true }),
  fc.constant({ failure: 'status_503' as const }),
  fc.record({ breaksAfterBytes: fc.nat(60), isWhole: fc.boolean() }),
  fc.record({
    breaksAfterBytes: fc.nat(60),
    breaksAs: fc.constant('decoding_failed' as const),
    isWhole: fc.constant(true),
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append' as const), at, lines: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      at,
      /** Of the file and a little more. */
      fromPart: fc.integer({ min: 0, max: 110 }),
      lead: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -30, max: 12 })),
      // Pieces; mostly more than there are.
      leavesAfter: fc.oneof(fc.constant(99), fc.nat(3)),
    }),
  },
  fc.record({ kind: fc.constant('grow' as const), at }),
  fc.record({ kind: fc.constant('manner' as const), manner }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.nat(1_500) }),
  fc.constant({ kind: 'hold' as const }),
  fc.constant({ kind: 'release' as const }),
);

class Run {
  readonly scene: FileScene = buildScene(BYTES_MAX);
  /** All lines that the files will ever have. */
  readonly whole = new Map(NAMES.map((name) => [name, lines(name, 0, 500)] as const));
  readonly readings: Promise<void>[] = [];
  release: () => void = () => undefined;
  bytesRead = 0;
  failures = 0;

  constructor() {
    for (const name of NAMES) this.scene.origin.files.set(fileNamed(name).url, Buffer.alloc(0));
  }

  lengthOf(name: string): number {
    return this.scene.origin.files.get(fileNamed(name).url)?.length ?? 0;
  }

  take(next: Step): void {
    const { origin, files, clock } = this.scene;
    switch (next.kind) {
      case 'append': {
        const name = NAMES[next.at] ?? 'a';
        const grown = (this.whole.get(name) ?? '').slice(0, this.lengthOf(name) + next.lines * 10);
        origin.files.set(fileNamed(name).url, Buffer.from(grown));
        return;
      }
      case 'read':
        this.readings.push(this.#read(next));
        return;
      case 'grow': {
        const name = NAMES[next.at] ?? 'a';
        files.grow(fileNamed(name), this.lengthOf(name));
        return;
      }
      case 'manner':
        origin.manner = next.manner;
        return;
      case 'time':
        clock.advance(next.ms);
        return;
      case 'hold': {
        const [before, release] = [this.release, origin.hold()];
        this.release = () => {
          before();
          release();
        };
        return;
      }
      case 'release':
        this.release();
    }
  }

  async #read(next: Extract<Step, { kind: 'read' }>): Promise<void> {
    const name = NAMES[next.at] ?? 'a';
    const bytesMin = Math.max(0, this.lengthOf(name) + next.lead);
    const fromByte = Math.floor((this.lengthOf(name) * next.fromPart) / 100);
    const reading = await this.scene.files.read(fileNamed(name), { fromByte, bytesMin });
    if (reading.kind === 'failed') {
      this.failures += 1;
      return;
    }
    assert.ok(reading.totalBytes >= bytesMin, 'no fewer than promised');
    if (reading.kind === 'past-end') assert.ok(fromByte >= reading.totalBytes, 'past the end');
    else await this.#readBody(name, fromByte, next.leavesAfter, reading);
  }

  async #readBody(
    name: (typeof NAMES)[number],
    from: number,
    leavesAfter: number,
    { totalBytes, body }: Extract<FileReading, { kind: 'bytes' }>,
  ): Promise<void> {
    let text = '';
    let isWhole = true;
    let pieces = 0;
    try {
      for await (const piece of body) {
        text += Buffer.from(piece).toString();
        pieces += 1;
        isWhole = pieces <= leavesAfter;
        if (!isWhole) break;
        await settle();
      }
    } catch {
      // Passed on, and broken off by the origin: its client is cut off too.
      isWhole = false;
    }
    const expected = (this.whole.get(name) ?? '').slice(from, totalBytes);
    if (isWhole) assert.equal(text, expected);
    else assert.ok(expected.startsWith(text));
    this.bytesRead += text.length;
  }

  /** Lets everything end that goes on. */
  async end(): Promise<void> {
    this.release();
    await Promise.all(this.readings);
    for (let turns = 0; turns < 20; turns += 1) await settle();
  }
}

test('whatever happens, every byte is right, none is missing, and no more are held than may be', async () => {
  let [bytesRead, failures, evictions] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const run = new Run();
      for (const next of steps) {
        run.take(next);
        await settle();
      }
      await run.end();
      const { gauges } = run.scene.files;
      assert.ok((gauges['idListFileBytes']?.entries ?? Infinity) <= BYTES_MAX);
      assert.equal(gauges['idListFetchesInFlight']?.entries, 0);
      assert.equal(gauges['idListStreamsInFlight']?.entries, 0);
      assert.equal(run.scene.origin.inFlight, 0);
      // And after all that the origin is well again: everything is served.
      run.scene.origin.manner = {};
      run.scene.clock.advance(1_000);
      for (const name of NAMES) {
        const bytesMin = run.lengthOf(name);
        const expected = `bytes ${bytesMin}: ${(run.whole.get(name) ?? '').slice(0, bytesMin)}`;
        assert.equal(await run.scene.read(fileNamed(name), { bytesMin }), expected);
      }
      bytesRead += run.bytesRead;
      failures += run.failures;
      evictions += (run.scene.files.describe() as { readonly evictions: number }).evictions;
    }),
    { numRuns: 300 },
  );
  // The walks went where it is dangerous.
  assert.ok(bytesRead > 10_000 && failures > 50 && evictions > 50, `${bytesRead} ${failures} ${evictions}`);
});
