// The bound on bytes: who leaves for whom, what is passed on without a copy, and what a place does that fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyBytes, CopyPlace } from '../../../../src/protocols/statsig/id-lists/copy-place.js';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { settle } from '../../../fakes/manual-clock.js';
import { assertHas, buildScene, fileNamed, lines, readAll, toText, type FileScene } from './file-scene.js';

const A = fileNamed('a');
const B = fileNamed('b');
const C = fileNamed('c');

function buildSceneWithFiles(bytesMax: number, place?: CopyPlace): FileScene {
  const scene = buildScene(bytesMax, place);
  for (const [file, list] of [
    [A, 'a'],
    [B, 'b'],
    [C, 'c'],
  ] as const) {
    scene.origin.files.set(file.url, Buffer.from(lines(list, 0, 4)));
  }
  return scene;
}

test('the copy used longest ago leaves first', async () => {
  const { origin, files, read } = buildSceneWithFiles(100);
  await read(A, { bytesMin: 40 });
  await read(B, { bytesMin: 40 });
  await read(A, { bytesMin: 40 });
  await read(C, { bytesMin: 40 });
  assertHas(files.describe(), { copies: 2, bytes: 80, evictions: 1 });
  await read(A, { bytesMin: 40 });
  assert.equal(origin.asked.length, 3);
  await read(B, { bytesMin: 40 });
  assert.equal(origin.asked.length, 4);
});

test('a copy that is being read or grown does not leave: what finds no room is passed on', async () => {
  const { files, read } = buildSceneWithFiles(50);
  const reading = await files.read(A, { fromByte: 0, bytesMin: 40 });
  assert.equal(await read(B, { bytesMin: 40 }), `bytes 40: ${lines('b', 0, 4)}`);
  assertHas(files.describe(), { bytes: 50, streamedThrough: 1 });
  assert.equal(await toText(reading), `bytes 40: ${lines('a', 0, 4)}`);
  assert.equal(await read(C, { bytesMin: 40 }), `bytes 40: ${lines('c', 0, 4)}`);
  // With the ten bytes of B that there was room for.
  assertHas(files.describe(), { copies: 2, bytes: 50, streamedThrough: 1 });
});

test('a copy that nobody reads to its end can leave once its reader is gone', async () => {
  const { files, read } = buildSceneWithFiles(50);
  const reading = await files.read(A, { fromByte: 0, bytesMin: 40 });
  assert.ok(reading.kind === 'bytes');
  await reading.body[Symbol.asyncIterator]().return?.();
  await read(B, { bytesMin: 40 });
  assertHas(files.describe(), { copies: 1, bytes: 40, streamedThrough: 0 });
});

test('who reads a copy for half an hour is broken off, and keeps it no longer', async () => {
  const { clock, files, read } = buildSceneWithFiles(50);
  const reading = await files.read(A, { fromByte: 0, bytesMin: 40 });
  assert.ok(reading.kind === 'bytes');
  clock.advance(30 * 60_000 - 1);
  assert.match(await read(B, { bytesMin: 40 }), /^bytes 40/);
  assertHas(files.describe(), { bytes: 50, streamedThrough: 1 });
  clock.advance(1);
  assert.match(await read(B, { bytesMin: 40 }), /^bytes 40/);
  assertHas(files.describe(), { copies: 1, bytes: 40, streamedThrough: 1 });
  await assert.rejects(readAll(reading.body), /not read in time/);
});

test('a copy that was read in time leaves no deadline behind', async () => {
  const { clock, read } = buildSceneWithFiles(50);
  await read(A, { bytesMin: 40 });
  await read(A, { bytesMin: 40 });
  assert.equal(clock.scheduled, 0);
});

test('two files that do not fit together are served all the same', async () => {
  const { origin, read, files } = buildSceneWithFiles(60);
  origin.pieceBytesMax = 1;
  const answers = await Promise.all([A, B].map((file) => read(file, { bytesMin: 40 })));
  assert.deepEqual(answers, [`bytes 40: ${lines('a', 0, 4)}`, `bytes 40: ${lines('b', 0, 4)}`]);
  assert.ok(JSON.stringify(files.gauges['idListFileBytes']) === '{"entries":60,"entriesMax":60}');
});

test('for a file that is larger than all copies may be nobody leaves, however little of it was promised', async () => {
  const { origin, read, files } = buildSceneWithFiles(85);
  await read(A, { bytesMin: 40 });
  await read(B, { bytesMin: 40 });
  origin.files.set(C.url, Buffer.from(lines('c', 0, 9)));
  for (const bytesMin of [10, 20]) {
    assert.equal(await read(C, { bytesMin }), `bytes ${bytesMin}: ${lines('c', 0, bytesMin / 10)}`);
  }
  assertHas(files.describe(), { copies: 2, bytes: 80, evictions: 0, streamedThrough: 2 });
  origin.files.set(A.url, Buffer.from(lines('a', 0, 9)));
  assert.equal(await read(A, { bytesMin: 50 }), `bytes 50: ${lines('a', 0, 5)}`);
  assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
  assertHas(files.describe(), { copies: 2, bytes: 80, evictions: 0, streamedThrough: 3 });
});

for (const bytesMax of [0, 39]) {
  test(`a file that does not fit into ${bytesMax} bytes is passed on as it comes`, async () => {
    const { origin, files, read } = buildSceneWithFiles(bytesMax);
    for (const isWhole of [false, true]) {
      origin.manner = { isWhole };
      assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
      assert.equal(await read(A, { bytesMin: 40, fromByte: 13 }), `bytes 40: ${lines('a', 0, 4).slice(13)}`);
    }
    assert.equal(await read(A, { bytesMin: 40, fromByte: 40 }), 'past-end 40');
    assertHas(files.describe(), { copies: 0, bytes: 0, streamedThrough: 4 });
    assert.deepEqual(
      origin.asked,
      [0, 13, 0, 13].map((from) => `${A.url} ${from}`),
    );
  });
}

test('without a promise, what the origin has is passed on', async () => {
  const { origin, read } = buildSceneWithFiles(0);
  assert.equal(await read(A), `bytes 40: ${lines('a', 0, 4)}`);
  assert.equal(await read(A, { fromByte: 40 }), 'past-end 40');
  origin.manner = { isWhole: true };
  assert.equal(await read(A, { fromByte: 40 }), 'past-end 40');
  assert.equal(await read(A, { fromByte: 50 }), 'past-end 40');
});

test('what the origin has beyond its promise is not passed on, and its connection ends', async () => {
  const { origin, read } = buildSceneWithFiles(0);
  assert.equal(await read(A, { bytesMin: 25 }), `bytes 25: ${lines('a', 0, 4).slice(0, 25)}`);
  await settle();
  assert.equal(origin.brokenOff, 1);
  assert.equal(origin.inFlight, 0);
});

for (const [reason, manner, wish] of [
  ['status_404', { failure: 'status_404' }, { bytesMin: 40 }],
  ['length_unknown', { tellsNoLength: true }, { bytesMin: 40 }],
  ['connection_lost', { breaksAfterBytes: 0 }, { bytesMin: 40 }],
  ['connection_lost', { breaksAfterBytes: 20, isWhole: true }, { bytesMin: 40, fromByte: 20 }],
  ['fewer_than_promised', {}, { bytesMin: 41 }],
  ['fewer_than_promised', {}, { bytesMin: 50, fromByte: 45 }],
] as const) {
  test(`${reason} is known before the head of what is passed on, and remembered: ${JSON.stringify(manner)}`, async () => {
    const { origin, read, clock } = buildSceneWithFiles(0);
    origin.manner = manner;
    assert.equal(await read(A, wish), reason);
    assert.equal(await read(A, wish), reason);
    assert.equal(origin.asked.length, 1);
    clock.advance(1_000);
    origin.manner = {};
    assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
  });
}

test('what breaks off while it is passed on throws behind the right bytes', async () => {
  const { origin, files, sink } = buildSceneWithFiles(0);
  origin.manner = { breaksAfterBytes: 20 };
  const reading = await files.read(A, { fromByte: 0, bytesMin: 40 });
  assert.ok(reading.kind === 'bytes');
  let came = '';
  await assert.rejects(async () => {
    for await (const piece of reading.body) came += Buffer.from(piece).toString();
  });
  assert.equal(came, lines('a', 0, 2));
  await settle();
  assertHas(files.describe(), { failures: { connection_lost: 1 } });
  assert.equal(sink.lines[0]?.['reason'], 'connection_lost');
});

test('what is passed on is asked for no faster than it is read, and not beyond where its reader leaves', async () => {
  const { origin, files } = buildSceneWithFiles(0);
  origin.manner = { stallsAfterBytes: 14 };
  const reading = await files.read(A, { fromByte: 0, bytesMin: 40 });
  assert.ok(reading.kind === 'bytes');
  const body = reading.body[Symbol.asyncIterator]();
  await body.next();
  await body.next();
  const waiting = body.next();
  await settle();
  assert.equal(origin.inFlight, 1);
  await Promise.all([assert.rejects(waiting), body.return?.()]);
  await settle();
  assert.equal(origin.inFlight, 0);
  assertHas(files.describe(), { failures: {} });
});

test('no more than 16 files are passed on at one time', async () => {
  const { origin, files, read } = buildSceneWithFiles(0);
  const readings = await Promise.all(
    Array.from({ length: 16 }, () => files.read(A, { fromByte: 0, bytesMin: 40 })),
  );
  assertHas(files.gauges, { idListStreamsInFlight: { entries: 16, entriesMax: 16, reached: 0 } });
  assert.equal(await read(B, { bytesMin: 40 }), 'too_many_streams');
  for (const reading of readings) assert.equal(await toText(reading), `bytes 40: ${lines('a', 0, 4)}`);
  await settle();
  assert.equal(await read(B, { bytesMin: 40 }), `bytes 40: ${lines('b', 0, 4)}`);
  assert.equal(origin.inFlightMax, 16);
});

test('who is passed a file for over a minute gives way when another one is wanted', async () => {
  const { clock, origin, files, read } = buildSceneWithFiles(0);
  const slow = await Promise.all(
    Array.from({ length: 16 }, () => files.read(A, { fromByte: 0, bytesMin: 40 })),
  );
  clock.advance(59_999);
  assert.equal(await read(B, { bytesMin: 40 }), 'too_many_streams');
  clock.advance(1);
  for (let times = 0; times < 20; times += 1) {
    assert.equal(await read(B, { bytesMin: 40 }), `bytes 40: ${lines('b', 0, 4)}`);
    await settle();
  }
  assert.equal(origin.inFlight, 15);
  const [oldest, ...others] = slow.map((reading) => toText(reading));
  await assert.rejects(oldest ?? assert.fail(), /not read in time/);
  for (const text of await Promise.all(others)) assert.equal(text, `bytes 40: ${lines('a', 0, 4)}`);
  await settle();
  assertHas(files.gauges, { idListStreamsInFlight: { entries: 0, entriesMax: 16, reached: 1 } });
});

test('a file that did not begin to come gives way to nobody', async () => {
  const { clock, origin, files, read } = buildSceneWithFiles(0);
  const release = origin.hold();
  const waiting = Array.from({ length: 16 }, () => read(A, { bytesMin: 40 }));
  await settle();
  clock.advance(120_000);
  assert.equal(await read(B, { bytesMin: 40 }), 'too_many_streams');
  assertHas(files.gauges, { idListStreamsInFlight: { entries: 16, entriesMax: 16, reached: 1 } });
  release();
  for (const text of await Promise.all(waiting)) assert.equal(text, `bytes 40: ${lines('a', 0, 4)}`);
});

test('a file that did not begin to come keeps no other from giving way', async () => {
  const { clock, origin, files, read } = buildSceneWithFiles(0);
  origin.manner = { stallsAfterBytes: 0 };
  void read(C, { bytesMin: 40 });
  await settle();
  origin.manner = {};
  const slow = await Promise.all(
    Array.from({ length: 15 }, () => files.read(A, { fromByte: 0, bytesMin: 40 })),
  );
  clock.advance(60_000);
  assert.equal(await read(B, { bytesMin: 40 }), `bytes 40: ${lines('b', 0, 4)}`);
  const [oldest, ...others] = slow.map((reading) => toText(reading));
  await assert.rejects(oldest ?? assert.fail(), /not read in time/);
  for (const text of await Promise.all(others)) assert.equal(text, `bytes 40: ${lines('a', 0, 4)}`);
});

/** Memory that can be told to fail. */
class FailingPlace extends MemoryPlace {
  creating = false;
  appending = false;
  reading = false;
  readonly kept = new Map<string, CopyBytes>();

  override async open(): Promise<ReadonlyMap<string, CopyBytes>> {
    return this.kept;
  }

  override async create(): Promise<CopyBytes> {
    if (this.creating) throw new Error('ENOSPC');
    const copy = await super.create();
    return {
      get length() {
        return copy.length;
      },
      append: async (piece) => {
        if (this.appending) throw new Error('ENOSPC');
        await copy.append(piece);
      },
      read: (from, to) => {
        if (this.reading) return failing();
        return copy.read(from, to);
      },
      remove: () => copy.remove(),
    };
  }
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject(new Error('EIO'));
}

for (const step of ['creating', 'appending'] as const) {
  test(`a place that fails ${step} is no reason to fail: the file is passed on`, async () => {
    const place = new FailingPlace();
    const { files, read } = buildSceneWithFiles(100, place);
    place[step] = true;
    assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
    assertHas(files.describe(), { copies: 0, bytes: 0, streamedThrough: 1 });
    place[step] = false;
    await read(A, { bytesMin: 40 });
    assertHas(files.describe(), { copies: 1, bytes: 40, streamedThrough: 1 });
  });
}

test('a copy that cannot be read is given up, and its file fetched anew', async () => {
  const place = new FailingPlace();
  const { origin, files, read, clock } = buildSceneWithFiles(100, place);
  await read(A, { bytesMin: 40 });
  place.reading = true;
  await assert.rejects(read(A, { bytesMin: 40 }), /EIO/);
  assertHas(files.describe(), { copies: 0, bytes: 0 });
  place.reading = false;
  assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
  origin.manner = { isWhole: true };
  place.reading = true;
  assert.equal(await read(A, { bytesMin: 50 }), 'copy_not_read');
  assertHas(files.describe(), { copies: 0, bytes: 0 });
  place.reading = false;
  clock.advance(1_000);
  assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
});

async function leftCopy(place: FailingPlace, text: string): Promise<CopyBytes> {
  const copy = await place.create();
  await copy.append(Buffer.from(text));
  return copy;
}

test('what an earlier process left is served, by whole lines, as far as there is room', async () => {
  const place = new FailingPlace();
  place.kept.set(A.name, await leftCopy(place, lines('a', 0, 3) + '+half'));
  place.kept.set(B.name, await leftCopy(place, 'no line at all'));
  place.kept.set(C.name, await leftCopy(place, lines('c', 0, 4)));
  const { origin, files, read } = buildSceneWithFiles(60, place);
  await files.open();
  assertHas(files.describe(), { copies: 2, bytes: 49, evictions: 1 });
  assert.equal(await read(A, { bytesMin: 10 }), `bytes 30: ${lines('a', 0, 3)}`);
  assert.equal(await read(B, { bytesMin: 2 }), 'bytes 2: no');
  assert.deepEqual(origin.asked, []);
});

test('a copy that was left and cannot be read is fetched anew', async () => {
  const place = new FailingPlace();
  place.kept.set(A.name, await leftCopy(place, lines('a', 0, 3)));
  const { files, read, origin } = buildSceneWithFiles(60, place);
  await files.open();
  place.reading = true;
  const reading = await files.read(A, { fromByte: 0, bytesMin: 30 });
  place.reading = false;
  assert.ok(reading.kind === 'bytes');
  assert.equal((await readAll(reading.body).catch(() => 'broken')).toString(), 'broken');
  assert.equal(await read(A, { bytesMin: 30 }), `bytes 40: ${lines('a', 0, 4)}`);
  assert.equal(origin.asked[0], `${A.url} 0`);
});
