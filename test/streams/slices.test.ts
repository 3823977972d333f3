// How a buffer is handed to a stream: in slices, of which a turn of the event loop sees a bounded part, whatever streams there are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeSlices } from '../../src/streams/slices.js';

const KIB = 1024;
const SLICE_BYTES = 65_535;
const TURN_BYTES_MAX = 2 * 1024 * KIB;

/** Keeps what it is given until it is taken by hand. */
class HeldStream {
  readonly sizes: number[] = [];
  destroyed = false;
  closed = false;
  writableEnded = false;
  #pending: ((error?: Error | null) => void) | undefined;

  write(slice: Buffer, taken: unknown): boolean {
    assert.equal(this.#pending, undefined, 'two slices at once');
    this.sizes.push(slice.length);
    this.#pending = taken as (error?: Error | null) => void;
    return true;
  }

  take(error?: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.(error);
  }
}

interface Sending {
  readonly stream: HeldStream;
  took: number;
  done: number;
}

function send(bytes: number, windowBytes = 0): Sending {
  const sending = { stream: new HeldStream(), took: 0, done: 0 };
  writeSlices(
    sending.stream,
    Buffer.alloc(bytes),
    windowBytes,
    () => (sending.took += 1),
    () => (sending.done += 1),
  );
  return sending;
}

test('a slice is handed over when the one before was taken, and the last one ends it', async () => {
  const sending = send(3 * SLICE_BYTES + 1);
  for (let taken = 1; taken <= 3; taken += 1) {
    sending.stream.take();
    await nextTurn();
    assert.deepEqual([sending.took, sending.done], [taken, 0]);
  }
  assert.deepEqual(sending.stream.sizes, [SLICE_BYTES, SLICE_BYTES, SLICE_BYTES, 1]);
  sending.stream.take();
  assert.deepEqual([sending.took, sending.done], [4, 1]);
});

for (const [window, windowBytes, sliceBytes] of [
  ['a larger window is handed as much at a time', 100 * KIB, 100 * KIB],
  ['a very large window is handed 256 KiB at a time', 16 * 1024 * KIB, 256 * KIB],
  ['a window smaller than the default is handed that', 1, SLICE_BYTES],
] as const) {
  test(`a client with ${window}`, async () => {
    await nextTurn();
    const sending = send(2 * sliceBytes + 1, windowBytes);
    for (let taken = 1; taken <= 3; taken += 1) {
      sending.stream.take();
      await nextTurn();
    }
    assert.deepEqual(sending.stream.sizes, [sliceBytes, sliceBytes, 1]);
    assert.deepEqual([sending.took, sending.done], [3, 1]);
  });
}

test('what is ready to be written by very many streams is divided among turns, in order', async () => {
  await nextTurn();
  const all = Array.from({ length: 1000 }, () => send(32 * KIB));
  const begun = (): number => all.filter(({ stream }) => stream.sizes.length > 0).length;
  const inTurn = TURN_BYTES_MAX / (32 * KIB);
  for (let turns = 1; begun() < all.length; turns += 1) {
    assert.equal(begun(), Math.min(turns * inTurn, all.length));
    assert.ok(all.slice(0, begun()).every(({ stream }) => stream.sizes.length === 1));
    await nextTurn();
  }
  for (const { stream } of all) stream.take();
  assert.ok(all.every(({ done }) => done === 1));
});

test('small messages count as much as they cost', async () => {
  await nextTurn();
  const all = Array.from({ length: 100 }, () => send(5));
  assert.equal(all.filter(({ stream }) => stream.sizes.length > 0).length, 64);
  await nextTurn();
  assert.ok(all.every(({ stream }) => stream.sizes.length === 1));
});

test('a stream that ends while it waits for its turn is written nothing', async () => {
  await nextTurn();
  const [gone, ...rest] = Array.from({ length: 65 }, () => send(32 * KIB)).reverse();
  if (gone !== undefined) gone.stream.destroyed = true;
  await nextTurn();
  assert.deepEqual(gone?.stream.sizes, []);
  assert.ok(rest.every(({ stream }) => stream.sizes.length === 1));
});

test('neither callback comes for a slice that was not taken', async () => {
  const sending = send(64 * KIB);
  sending.stream.take(new Error('closed'));
  await nextTurn();
  assert.deepEqual([sending.stream.sizes.length, sending.took, sending.done], [1, 0, 0]);
});
