// What every place for copies of ID lists keeps to, whatever it is made of: run by each implementation's test.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { CopyPlace } from '../../src/protocols/statsig/id-lists/copy-place.js';
import { within } from '../e2e/deadline.js';
import { copyName, grow, listBytes, piecesOf, readAll } from './copy-bytes.js';
import { anyOrderOfSteps } from './copy-place-model.js';

export interface CopyPlaceScene {
  /** A place that was not opened yet, as a process has it. The one before it is closed by then. */
  readonly start: () => CopyPlace;
  /** Whether what is there outlives the process. */
  readonly isDurable: boolean;
}

type Keeping = (place: CopyPlace, scene: CopyPlaceScene) => Promise<void>;

const NAME = copyName('one');
const OTHER = copyName('other');
const PIECE_BYTES_MAX = 65_536;
/** Of several pieces, the last of which is not whole. */
const LARGE_BYTES = 3 * PIECE_BYTES_MAX + 11;

/** `create` gives a scene in which there is no copy, and takes it down after the test. */
export function copyPlaceContract(
  name: string,
  create: (t: TestContext) => CopyPlaceScene | Promise<CopyPlaceScene>,
): void {
  const promise = (sentence: string, run: Keeping): void => {
    test(`${name}: ${sentence}`, async (t) => {
      const scene = await create(t);
      const place = scene.start();
      assert.equal((await within(place.open(), 'empty place')).size, 0);
      await run(place, scene);
      await within(place.close(), 'end of the place');
    });
  };
  promise('a new copy is empty', newIsEmpty);
  promise('what was appended can be read, from anywhere to anywhere', anyExtent);
  promise('what is read comes in pieces of 64 KiB or less', smallPieces);
  promise('an append of nothing, and one of a megabyte, are like any other', oddAppends);
  promise('a reading ends where it was to end, though the copy grows meanwhile', growsMeanwhile);
  promise('what is being read when the copy is removed is right as far as it comes', removedMeanwhile);
  promise(
    'what is being read when another copy takes the place is right as far as it comes',
    replacedMeanwhile,
  );
  promise('a reader that stops early disturbs nobody', stopsEarly);
  promise('a new copy takes the place of the one there was', replacing);
  promise('a copy that was removed is empty when it is made anew', removing);
  promise('removing a copy twice, or one that was replaced, leaves the new one alone', removingTwice);
  promise('copies do not touch each other', apart);
  promise('any order of steps leaves each copy with the bytes it was given', anyOrderOfSteps);
  promise('who comes after the place was closed finds all of it, or nothing', comesBack);
}

async function newIsEmpty(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  assert.equal(copy.length, 0);
  assert.deepEqual(await piecesOf(copy.read(0, 0)), []);
}

async function anyExtent(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  assert.equal(copy.length, LARGE_BYTES);
  const edges = [0, 1, 39_999, 40_000, 65_535, 65_536, 65_537, LARGE_BYTES - 1, LARGE_BYTES];
  for (const from of edges) {
    for (const to of edges.filter((edge) => edge >= from)) {
      const bytes = await readAll(copy, from, to);
      assert.ok(bytes.equals(listBytes(1, from, to)), `${from} to ${to}`);
    }
  }
}

async function smallPieces(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await copy.append(listBytes(1, 0, LARGE_BYTES));
  const lengths = (await piecesOf(copy.read(0, LARGE_BYTES))).map(({ length }) => length);
  assert.ok(Math.max(...lengths) <= PIECE_BYTES_MAX, lengths.join(' '));
}

async function oddAppends(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await copy.append(new Uint8Array(0));
  assert.equal(copy.length, 0);
  await copy.append(listBytes(1, 0, 1_000_000));
  await copy.append(new Uint8Array(0));
  await copy.append(listBytes(1, 1_000_000, 1_000_001));
  assert.ok((await readAll(copy)).equals(listBytes(1, 0, 1_000_001)));
}

async function growsMeanwhile(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  const read: Uint8Array[] = [];
  for await (const piece of copy.read(5, LARGE_BYTES)) {
    read.push(piece);
    await grow(copy, 1, copy.length + 1000);
  }
  assert.ok(Buffer.concat(read).equals(listBytes(1, 5, LARGE_BYTES)));
  assert.ok((await readAll(copy)).equals(listBytes(1, 0, LARGE_BYTES + read.length * 1000)));
}

async function removedMeanwhile(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  const readings = [copy.read(0, LARGE_BYTES), copy.read(0, LARGE_BYTES)] as const;
  await assertRightSoFar(readings[0], () => copy.remove());
  await assertRightSoFar(readings[1]);
}

async function replacedMeanwhile(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  const readings = [copy.read(0, LARGE_BYTES), copy.read(0, LARGE_BYTES)] as const;
  await assertRightSoFar(readings[0], async () => grow(await place.create(NAME), 2, LARGE_BYTES));
  await assertRightSoFar(readings[1]);
}

/** Of the first list, to the end or to an error; `afterFirst` is run after the first piece. */
async function assertRightSoFar(
  reading: AsyncIterable<Uint8Array>,
  afterFirst: () => Promise<void> = async () => undefined,
): Promise<void> {
  const read: Uint8Array[] = [];
  try {
    for await (const piece of reading) {
      if (read.push(piece) === 1) await afterFirst();
    }
    assert.equal(Buffer.concat(read).length, LARGE_BYTES);
  } catch (error) {
    assert.match(String(error), /the copy was removed/);
  }
  const bytes = Buffer.concat(read);
  assert.ok(bytes.equals(listBytes(1, 0, bytes.length)));
}

async function stopsEarly(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  for await (const piece of copy.read(0, LARGE_BYTES)) {
    assert.ok(piece.length > 0);
    break;
  }
  assert.ok((await readAll(copy)).equals(listBytes(1, 0, LARGE_BYTES)));
}

async function replacing(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  const next = await place.create(NAME);
  assert.equal(next.length, 0);
  await grow(next, 2, 1000);
  assert.ok((await readAll(next)).equals(listBytes(2, 0, 1000)));
}

async function removing(place: CopyPlace): Promise<void> {
  const copy = await place.create(NAME);
  await grow(copy, 1, LARGE_BYTES);
  await copy.remove();
  const next = await place.create(NAME);
  assert.equal(next.length, 0);
  await grow(next, 2, 1000);
  assert.ok((await readAll(next)).equals(listBytes(2, 0, 1000)));
}

async function removingTwice(place: CopyPlace): Promise<void> {
  const first = await place.create(NAME);
  await grow(first, 1, 1000);
  const second = await place.create(NAME);
  await grow(second, 2, 1000);
  await first.remove();
  assert.ok((await readAll(second)).equals(listBytes(2, 0, 1000)));
  // One that is made while the one before is still being removed, too.
  const [, , third] = await Promise.all([second.remove(), second.remove(), place.create(NAME)]);
  await grow(third, 3, 1000);
  await Promise.all([first.remove(), second.remove()]);
  assert.ok((await readAll(third)).equals(listBytes(3, 0, 1000)));
}

async function apart(place: CopyPlace): Promise<void> {
  const [one, other] = [await place.create(NAME), await place.create(OTHER)];
  await Promise.all([grow(one, 1, LARGE_BYTES), grow(other, 2, LARGE_BYTES)]);
  await one.remove();
  assert.ok((await readAll(other)).equals(listBytes(2, 0, LARGE_BYTES)));
}

async function comesBack(place: CopyPlace, { start, isDurable }: CopyPlaceScene): Promise<void> {
  await grow(await place.create(NAME), 1, LARGE_BYTES);
  await grow(await place.create(OTHER), 2, 10);
  await place.close();
  const next = start();
  const left = await next.open();
  assert.deepEqual([...left.keys()].sort(), isDurable ? [NAME, OTHER].sort() : []);
  const copy = left.get(NAME);
  if (copy !== undefined) {
    assert.ok((await readAll(copy)).equals(listBytes(1, 0, LARGE_BYTES)));
    await grow(copy, 1, 2 * LARGE_BYTES);
    assert.ok((await readAll(copy)).equals(listBytes(1, 0, 2 * LARGE_BYTES)));
  }
  await next.close();
}
