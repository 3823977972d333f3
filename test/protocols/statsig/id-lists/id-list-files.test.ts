// Files from copies: when the origin is asked and for what, what is answered meanwhile, and what its faults do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyPlace } from '../../../../src/protocols/statsig/id-lists/copy-place.js';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { eventually } from '../../../e2e/deadline.js';
import { settle } from '../../../fakes/manual-clock.js';
import { assertHas, buildScene, fileNamed, lines, toText } from './file-scene.js';

const A = fileNamed('a');
const B = fileNamed('b');
const AMPLE_BYTES = 10_000;

test('the first reader brings the whole file, the next ones are hits, whatever part they want', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  assert.equal(await read(A, { bytesMin: 20 }), `bytes 30: ${lines('a', 0, 3)}`);
  assert.equal(await read(A, { bytesMin: 30, fromByte: 10 }), `bytes 30: ${lines('a', 1, 3)}`);
  assert.equal(await read(A, { bytesMin: 30, fromByte: 30 }), 'past-end 30');
  assert.equal(await read(A, { bytesMin: 30, fromByte: 31 }), 'past-end 30');
  assert.deepEqual(origin.asked, [`${A.url} 0`]);
  assertHas(files.describe(), {
    copies: 1,
    bytes: 30,
    hits: 3,
    fetches: 1,
    failures: {},
  });
});

test('fetches are counted by how they ended', async () => {
  const { origin, files, read } = buildScene(40);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  origin.files.set(B.url, Buffer.from(lines('b', 0, 5)));
  await read(A, { bytesMin: 30 });
  await read(A, { bytesMin: 30 });
  assert.match(await read(B, { bytesMin: 50 }), /^bytes 50/);
  assert.equal(await read(B, { bytesMin: 50, fromByte: 60 }), 'past-end 50');
  assert.match(await read(B, { bytesMin: 0 }), /^bytes/, 'larger than what was thought');
  assert.equal(await read(fileNamed('none'), { bytesMin: 10 }), 'fewer_than_promised');
  assert.equal(files.hits, 1);
  assert.deepEqual(files.fetchesEnded, { copied: 1, no_room: 1, passed_through: 2, failed: 1 });
});

test('what is promised anew is fetched behind what is there, in any way the origin may send it', async () => {
  const { origin, read } = buildScene(AMPLE_BYTES);
  for (let count = 1; count < 8; count += 1) {
    origin.manner = { isWhole: count % 2 === 0, tellsNoLength: count % 3 === 0 };
    origin.files.set(A.url, Buffer.from(lines('a', 0, count * 5)));
    const [bytesMin, fromByte] = [count * 50, count * 50 - 50];
    assert.equal(
      await read(A, { bytesMin, fromByte }),
      `bytes ${bytesMin}: ${lines('a', count * 5 - 5, count * 5)}`,
    );
    assert.equal(origin.asked.at(-1), `${A.url} ${fromByte}`);
  }
});

test('half a line is given to nobody, unless it was promised', async () => {
  const { origin, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from('+aaa\n+bbb\n+cc'));
  assert.equal(await read(A, { bytesMin: 7 }), 'bytes 10: +aaa\n+bbb\n');
  assert.equal(await read(A, { bytesMin: 12 }), 'bytes 12: +aaa\n+bbb\n+c');
  assert.equal(await read(A, { bytesMin: 5, fromByte: 10 }), 'past-end 10');
  origin.files.set(A.url, Buffer.from('+aaa\n+bbb\n+cccc\n+'));
  assert.equal(await read(A, { bytesMin: 14 }), 'bytes 16: +aaa\n+bbb\n+cccc\n');
});

test('an empty file is one', async () => {
  const { read, files } = buildScene(AMPLE_BYTES);
  assert.equal(await read(A), 'bytes 0: ');
  assert.equal(await read(A), 'bytes 0: ');
  assertHas(files.describe(), { hits: 1, fetches: 1 });
});

test('an empty file is one, also where there is no room for copies', async () => {
  const { read } = buildScene(0);
  assert.equal(await read(A), 'bytes 0: ');
});

test('a file of another name starts over, wherever it lies', async () => {
  const { origin, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  await read(A, { bytesMin: 30 });
  origin.files.set(A.url, Buffer.from(lines('b', 0, 2)));
  assert.equal(await read({ ...A, name: B.name }, { bytesMin: 20 }), `bytes 20: ${lines('b', 0, 2)}`);
  assert.deepEqual(origin.asked, [`${A.url} 0`, `${A.url} 0`]);
});

test('all who want a file wait for one fetch, and who was promised more for one more', async () => {
  const { origin, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
  const release = origin.hold();
  const early = [
    read(A, { bytesMin: 20 }),
    read(A, { bytesMin: 10 }),
    read(A, { bytesMin: 20, fromByte: 10 }),
  ];
  await settle();
  const promisedMore = [read(A, { bytesMin: 40 }), read(A, { bytesMin: 30, fromByte: 20 })];
  await settle();
  assert.equal(origin.asked.length, 1);
  const releaseNext = origin.hold();
  release();
  assert.deepEqual(await Promise.all(early), [
    `bytes 20: ${lines('a', 0, 2)}`,
    `bytes 20: ${lines('a', 0, 2)}`,
    `bytes 20: ${lines('a', 1, 2)}`,
  ]);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 4)));
  releaseNext();
  assert.deepEqual(await Promise.all(promisedMore), [
    `bytes 40: ${lines('a', 0, 4)}`,
    `bytes 40: ${lines('a', 2, 4)}`,
  ]);
  assert.deepEqual(origin.asked, [`${A.url} 0`, `${A.url} 20`]);
});

test('one file that is fetched holds up no other, and fetches have a limit', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  const release = origin.hold();
  const names = Array.from({ length: 20 }, (_, at) => fileNamed(`f${at}`));
  for (const { url } of names) origin.files.set(url, Buffer.from('+x\n'));
  const readings = names.map((file) => read(file, { bytesMin: 3 }));
  await settle();
  assertHas(files.gauges, {
    idListFetchesInFlight: { entries: 8, entriesMax: 64 },
    idListFetchesWaiting: { entries: 12, entriesMax: 4_000, reached: 0 },
  });
  release();
  for (const reading of readings) assert.equal(await reading, 'bytes 3: +x\n');
  assert.equal(origin.inFlightMax, 8);
});

test('hosts that answer nothing hold up no file of another one', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  const release = origin.hold();
  const onDeadHosts = Array.from({ length: 60 }, (_, at) => {
    const file = fileNamed(`f${at}`);
    return { ...file, url: file.url.replace('files', `dead${at % 3}`) };
  });
  const readings = onDeadHosts.map((file) => read(file));
  await settle();
  origin.hold()();
  origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
  assert.equal(await read(A, { bytesMin: 20 }), `bytes 20: ${lines('a', 0, 2)}`);
  assertHas(files.gauges, {
    idListFetchesInFlight: { entries: 24, entriesMax: 64 },
    idListFetchesWaiting: { entries: 36, entriesMax: 4_000, reached: 0 },
  });
  release();
  await Promise.all(readings);
  assertHas(files.gauges, {
    idListFetchesInFlight: { entries: 0, entriesMax: 64 },
    idListFetchesWaiting: { entries: 0, entriesMax: 4_000, reached: 0 },
  });
});

test('who cannot even wait is turned away, and so is who waited too long', async () => {
  const { origin, files, read, clock } = buildScene(AMPLE_BYTES);
  const release = origin.hold();
  const waiting = Array.from({ length: 1_008 }, (_, at) => read(fileNamed(`f${at}`)));
  await settle();
  assert.equal(await read(A), 'too_many_fetches');
  clock.advance(60_001);
  release();
  const answers = await Promise.all(waiting);
  assert.equal(answers.filter((answer) => answer === 'bytes 0: ').length, 8);
  assert.equal(answers.filter((answer) => answer === 'too_many_fetches').length, 1_000);
  assertHas(files.describe(), { turnedAway: 1_001 });
});

test('a failure is remembered for a second, then tried again; what is held is served meanwhile', async () => {
  const { origin, clock, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
  await read(A, { bytesMin: 20 });
  origin.manner = { failure: 'status_500' };
  for (let times = 0; times < 5; times += 1) assert.equal(await read(A, { bytesMin: 30 }), 'status_500');
  assert.equal(origin.asked.length, 2);
  assert.equal(await read(A, { bytesMin: 20 }), `bytes 20: ${lines('a', 0, 2)}`);
  clock.advance(1_000);
  assert.equal(await read(A, { bytesMin: 30 }), 'status_500');
  assert.equal(origin.asked.length, 3);
});

test('what came before a fetch broke off stays, and the next goes on behind it', async () => {
  const { origin, clock, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 5)));
  origin.manner = { breaksAfterBytes: 23 };
  assert.equal(await read(A, { bytesMin: 50 }), 'connection_lost');
  assert.equal(await read(A, { bytesMin: 20 }), `bytes 20: ${lines('a', 0, 2)}`);
  origin.manner = {};
  clock.advance(1_000);
  assert.equal(await read(A, { bytesMin: 50 }), `bytes 50: ${lines('a', 0, 5)}`);
  assert.deepEqual(origin.asked, [`${A.url} 0`, `${A.url} 23`]);
});

test('an origin that has less than its manifest says fails, and what it has stays', async () => {
  const { origin, clock, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
  assert.equal(await read(A, { bytesMin: 30 }), 'fewer_than_promised');
  assert.equal(await read(A, { bytesMin: 20 }), `bytes 20: ${lines('a', 0, 2)}`);
  clock.advance(1_000);
  assert.equal(await read(A, { bytesMin: 30 }), 'fewer_than_promised');
  clock.advance(1_000);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  assert.equal(await read(A, { bytesMin: 30 }), `bytes 30: ${lines('a', 0, 3)}`);
});

test('who wants more than there is keeps nobody from what there is', async () => {
  const { origin, read, clock } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
  assert.match(await read(A, { bytesMin: 20 }), /^bytes 20/);
  assert.equal(await read(A, { bytesMin: 500 }), 'fewer_than_promised');
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  clock.advance(100);
  assert.equal(await read(A, { bytesMin: 500 }), 'fewer_than_promised');
  assert.match(await read(A, { bytesMin: 30 }), /^bytes 30/, 'within the same second');
});

for (const bytesMax of [AMPLE_BYTES, 100]) {
  test(`who names another number each time asks the origin ten times a second, with room for ${bytesMax} bytes`, async () => {
    const { origin, read, clock } = buildScene(bytesMax);
    origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
    assert.match(await read(A, { bytesMin: 20 }), /^bytes 20/);
    const asked = origin.asked.length;
    for (let bytesMin = 5_000; bytesMin > 4_000; bytesMin -= 1) {
      assert.equal(await read(A, { bytesMin }), 'fewer_than_promised');
      clock.advance(1);
    }
    assert.equal(origin.asked.length - asked, 10);
  });
}

for (const [how, manner] of [
  ['by all of it', { isWhole: true }],
  ['by a 416', {}],
] as const) {
  test(`an origin that is behind, as it tells ${how}, fails, and the copy stays for who was promised no more`, async () => {
    const { origin, files, clock, read } = buildScene(AMPLE_BYTES);
    origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
    await read(A, { bytesMin: 30 });
    origin.files.set(A.url, Buffer.from(lines('a', 0, 1)));
    origin.manner = manner;
    assert.equal(await read(A, { bytesMin: 40 }), 'fewer_than_promised');
    assertHas(files.describe(), { copies: 1, bytes: 30, failures: { fewer_than_promised: 1 } });
    assert.equal(await read(A, { bytesMin: 30 }), `bytes 30: ${lines('a', 0, 3)}`);
    origin.files.set(A.url, Buffer.from(lines('a', 0, 4)));
    clock.advance(1_000);
    assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
    assert.equal(origin.asked.at(-1), `${A.url} 30`);
  });
}

for (const [what, changed, manner] of [
  ['has other bytes', lines('b', 0, 9), { isWhole: true }],
  [
    'does not decode to its end',
    lines('a', 0, 9),
    { isWhole: true, breaksAfterBytes: 60, breaksAs: 'decoding_failed' },
  ],
  ['sends more than it says', lines('a', 0, 9), { breaksAfterBytes: 60, breaksAs: 'longer_than_said' }],
] as const) {
  test(`a file that ${what} is no continuation: the next request starts over`, async () => {
    const { origin, files, clock, read } = buildScene(AMPLE_BYTES);
    origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
    await read(A, { bytesMin: 30 });
    origin.files.set(A.url, Buffer.from(changed));
    origin.manner = manner;
    const reason = 'breaksAs' in manner ? manner.breaksAs : 'content_differs';
    assert.equal(await read(A, { bytesMin: 90 }), reason);
    assertHas(files.describe(), { copies: 0, bytes: 0, failures: { [reason]: 1 } });
    origin.manner = {};
    clock.advance(1_000);
    assert.equal(await read(A, { bytesMin: changed.length }), `bytes ${changed.length}: ${changed}`);
    assert.equal(origin.asked.at(-1), `${A.url} 0`);
  });
}

test('at update time a copy that is held is grown, and no other', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 2)));
  await read(A, { bytesMin: 20 });
  origin.files.set(A.url, Buffer.from(lines('a', 0, 4)));
  files.grow(A, 20);
  files.grow(B, 20);
  files.grow(A, AMPLE_BYTES + 1);
  await settle();
  assert.equal(origin.asked.length, 1);
  files.grow(A, 40);
  files.grow(A, 40);
  await settle();
  assert.deepEqual(origin.asked, [`${A.url} 0`, `${A.url} 20`]);
  assert.equal(await read(A, { bytesMin: 40 }), `bytes 40: ${lines('a', 0, 4)}`);
  assertHas(files.describe(), { hits: 1, fetches: 2 });
});

test('a reader keeps what it began to read, though its copy is dropped', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  const reading = await files.read(A, { fromByte: 0, bytesMin: 30 });
  origin.files.set(A.url, Buffer.from(lines('b', 0, 9)));
  origin.manner = { isWhole: true };
  assert.equal(await read(A, { bytesMin: 90 }), 'content_differs');
  assert.equal(await toText(reading), `bytes 30: ${lines('a', 0, 3)}`);
});

test('one line when a file begins to fail, one when it works again, and no more than a pair a minute', async () => {
  const { origin, clock, sink, read } = buildScene(AMPLE_BYTES);
  for (let times = 0; times < 3; times += 1) {
    origin.manner = { failure: 'status_500' };
    for (let seconds = 0; seconds < 5; seconds += 1) {
      await read(A, { bytesMin: 10 });
      clock.advance(1_000);
    }
    origin.manner = {};
    origin.files.set(A.url, Buffer.from(lines('a', 0, times + 1)));
    await read(A, { bytesMin: times * 10 + 10 });
    origin.files.set(A.url, Buffer.alloc(0));
    origin.manner = { isWhole: true };
    await read(A, { bytesMin: 1_000 });
    clock.advance(1_000);
  }
  const told = sink.lines.map(({ level, msg, host, file, reason }) => [level, msg, host, file, reason]);
  assert.deepEqual(told, [
    [
      'warn',
      'ID list file fails: clients that need more than the local copy has are disconnected, and try again',
      new URL(A.url).host,
      'a_______',
      'status_500',
    ],
    ['info', 'ID list file works again', new URL(A.url).host, 'a_______', undefined],
  ]);
  clock.advance(60_000);
  await read(A, { bytesMin: 1_000 });
  assert.equal(sink.lines.length, 3);
  assert.ok(!sink.text.includes('secret'));
});

test('after closing nothing is fetched, and no file is said to fail', async () => {
  const { origin, files, sink, read } = buildScene(AMPLE_BYTES);
  const release = origin.hold();
  const waiting = read(A, { bytesMin: 10 });
  await settle();
  const closed = files.close();
  release();
  await closed;
  assert.equal(await waiting, 'closed');
  assert.equal(await read(B, { bytesMin: 10 }), 'closed');
  assert.equal(origin.asked.length, 1);
  assert.deepEqual(sink.lines, []);
});

test('of a file that fails so much can be promised as it once had in all, and it is tried again', async () => {
  const { origin, files, clock, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  assert.equal(files.promisable(A, 30), 30, 'nothing is known of it');
  assert.match(await read(A, { bytesMin: 30 }), /^bytes 30/);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 6)));
  assert.equal(files.areAllWell, true);
  assert.equal(files.promisable(A, 60), 60, 'it is behind, and nobody has tried');
  origin.manner = { breaksAfterBytes: 15 };
  assert.equal(await read(A, { bytesMin: 60 }), 'connection_lost');
  assert.equal(files.areAllWell, false);
  assert.equal(files.promisable(A, 60), 30, 'not the part that came');
  assert.equal(files.promisable(A, 30), 30);
  assert.match(await read(A, { bytesMin: 30 }), /^bytes 40/);
  origin.manner = {};
  clock.advance(1_000);
  assert.deepEqual(files.failing, { files: 1, forMs: 1_000 });
  const asked = origin.asked.length;
  assert.equal(files.promisable(A, 60), 30);
  while (files.promisable(A, 60) !== 60) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(origin.asked.slice(asked), [`${A.url} 45`]);
  assert.equal(files.areAllWell, true);
  assert.equal(files.failing, undefined);
});

test('of a file without a copy all is promised, though it fails', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  origin.manner = { breaksAfterBytes: 15 };
  assert.equal(await read(A, { bytesMin: 30 }), 'connection_lost');
  assert.equal(files.promisable(A, 30), 30, 'a part of a file would be wrong');
});

test('of a file that is new, and of which its host has less than its manifest says, all is promised', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  assert.equal(await read(A, { bytesMin: 60 }), 'fewer_than_promised');
  assert.equal(files.promisable(A, 60), 60, 'a part of a file would be wrong');
});

test('half a line at the end of what the origin has is not promised', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(`${lines('a', 0, 3)}+a00`));
  assert.match(await read(A, { bytesMin: 20 }), /^bytes 30/);
  origin.manner = { failure: 'status_500' };
  assert.equal(await read(A, { bytesMin: 60 }), 'status_500');
  assert.equal(files.promisable(A, 60), 30);
});

test('a number that a client names makes no part of a file all of it', async () => {
  const { origin, files, read } = buildScene(AMPLE_BYTES);
  origin.files.set(A.url, Buffer.from(lines('a', 0, 3)));
  origin.manner = { breaksAfterBytes: 25 };
  assert.equal(await read(A, { bytesMin: 30 }), 'connection_lost');
  assert.match(await read(A, { bytesMin: 13 }), /^bytes 20/);
  assert.equal(files.promisable(A, 30), 30);
});

test('files that failed and that nobody asked for since keep nobody from being well', async () => {
  const { origin, files, clock, read } = buildScene(AMPLE_BYTES);
  origin.manner = { failure: 'status_500' };
  assert.equal(await read(A, { bytesMin: 30 }), 'status_500');
  clock.advance(300_000);
  assert.equal(await read(B, { bytesMin: 30 }), 'status_500');
  clock.advance(599_999);
  assert.equal(files.areAllWell, false);
  clock.advance(1);
  assert.equal(files.areAllWell, true);
});

test('what an earlier process left counts as all of the file once a manifest promised no more', async () => {
  const { origin, files, clock } = buildScene(AMPLE_BYTES, await placeWith(lines('a', 0, 3)));
  await files.open();
  origin.files.set(A.url, Buffer.from(lines('a', 0, 6)));
  origin.manner = { breaksAfterBytes: 0 };
  files.grow(A, 30);
  files.grow(A, 60);
  await eventually('failure', () => !files.areAllWell);
  clock.advance(1_000);
  assert.equal(files.promisable(A, 60), 30);
});

/** In which a copy of A was left. */
async function placeWith(text: string): Promise<CopyPlace> {
  const place = new MemoryPlace();
  const copy = await place.create();
  await copy.append(Buffer.from(text));
  return Object.assign(place, { open: () => Promise.resolve(new Map([[A.name, copy]])) });
}
