// Files of ID lists over real connections: exact bytes and headers, or an end without an answer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { FileReading } from '../../../../src/protocols/statsig/id-lists/file-reading.js';
import { eventually, within } from '../../../e2e/deadline.js';
import { FILE, PATH, requestText, splitReply, startScene, textUntilClosed } from './id-list-file-scene.js';

const TEXT = FILE.toString();
const LIST = `${PATH}/list`;
const MIB = 1024 * 1024;

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1]?.trim();
}

test('without a range the whole file comes, with its length, as plain bytes', async (t) => {
  const { ask, source } = await startScene(t);
  const { head, body } = await ask(LIST, { 'accept-encoding': 'gzip, br' });
  assert.match(head, /^http\/1\.1 200 ok/);
  assert.equal(body, TEXT);
  assert.equal(headerOf(head, 'content-length'), '30');
  assert.equal(headerOf(head, 'content-type'), 'application/octet-stream');
  assert.equal(headerOf(head, 'accept-ranges'), 'bytes');
  assert.equal(headerOf(head, 'cache-control'), 'no-store, no-transform');
  for (const name of ['content-range', 'content-encoding', 'transfer-encoding', 'etag']) {
    assert.equal(headerOf(head, name), undefined, name);
  }
  assert.deepEqual(source.wishes, [{ fromByte: 0, bytesMin: 30 }]);
  assert.equal(source.open, 0);
});

for (const [range, contentRange, bytes] of [
  ['0-', 'bytes 0-29/30', TEXT],
  ['10-', 'bytes 10-29/30', TEXT.slice(10)],
  ['29-', 'bytes 29-29/30', TEXT.slice(29)],
  ['5-14', 'bytes 5-14/30', TEXT.slice(5, 15)],
  ['0-0', 'bytes 0-0/30', TEXT.slice(0, 1)],
  ['20-999', 'bytes 20-29/30', TEXT.slice(20)],
  ['-10', 'bytes 20-29/30', TEXT.slice(20)],
  ['-99', 'bytes 0-29/30', TEXT],
] as const) {
  test(`of range ${range} come exactly its bytes, by header and by query`, async (t) => {
    const { ask, source } = await startScene(t);
    for (const { head, body } of [
      await ask(LIST, { range: `bytes=${range}` }),
      await ask(`${LIST}?range=${range}`),
      await ask(`${LIST}?a=b&range=bytes%3D${range}`),
      // The header is what a client means that sends both.
      await ask(`${LIST}?range=3-`, { range: `bytes=${range}` }),
    ]) {
      assert.match(head, /^http\/1\.1 206 partial content/);
      assert.equal(body, bytes);
      assert.equal(headerOf(head, 'content-length'), String(bytes.length));
      assert.equal(headerOf(head, 'content-range'), contentRange);
    }
    assert.equal(source.open, 0);
  });
}

for (const range of ['30-', '31-40', '999999999999999-', '9-5', '0-5,10-15', 'x', '', '-0', '-']) {
  test(`of range ${JSON.stringify(range)} nothing comes but the length of the file`, async (t) => {
    const { ask, source } = await startScene(t);
    for (const { head, body } of [
      await ask(LIST, { range: `bytes=${range}` }),
      await ask(`${LIST}?range=${range}`),
    ]) {
      assert.match(head, /^http\/1\.1 416 /);
      assert.equal(headerOf(head, 'content-range'), 'bytes */30');
      assert.equal(headerOf(head, 'content-length'), '0');
      assert.equal(body, '');
    }
    assert.equal(source.open, 0);
  });
}

test('two ranges in a query are none, and a range of an unknown version is the whole file', async (t) => {
  const { ask } = await startScene(t);
  assert.match((await ask(`${LIST}?range=0-&range=5-`)).head, / 416 /);
  const { head, body } = await ask(LIST, { range: 'bytes=10-', 'if-range': '"an-etag"' });
  assert.match(head, / 200 /);
  assert.equal(body, TEXT);
});

test('an empty file is given as such, also from its first byte on; it has no other part', async (t) => {
  const { ask, source } = await startScene(t);
  source.reading = () => ({ kind: 'bytes', totalBytes: 0, body: source.bodyOf([]) });
  for (const { head, body } of [
    await ask(LIST),
    await ask(LIST, { range: 'bytes=0-' }),
    await ask(`${LIST}?range=0-`),
  ]) {
    assert.match(head, /^http\/1\.1 200 /);
    assert.equal(headerOf(head, 'content-length'), '0');
    assert.equal(headerOf(head, 'content-range'), undefined);
    assert.equal(body, '');
  }
  for (const range of ['bytes=1-', 'bytes=-5']) {
    const { head } = await ask(LIST, { range });
    assert.match(head, / 416 /);
    assert.equal(headerOf(head, 'content-range'), 'bytes */0');
  }
  assert.equal(source.open, 0);
});

test('the last bytes are those of the file as it was when its length was asked, though it grows', async (t) => {
  const { ask, source } = await startScene(t);
  const longer = Buffer.concat([FILE, FILE]);
  source.reading = ({ fromByte }) => {
    const file = fromByte === 0 ? FILE : longer;
    return { kind: 'bytes', totalBytes: file.length, body: source.bodyOf([file.subarray(fromByte)]) };
  };
  const { head, body } = await ask(LIST, { range: 'bytes=-10' });
  assert.equal(headerOf(head, 'content-range'), 'bytes 20-29/60');
  assert.equal(body, TEXT.slice(20));
  assert.equal(source.open, 0);
});

test('what the SDK was promised elsewhere counts, unless it is out of all proportion', async (t) => {
  const { ask, source } = await startScene(t);
  for (const [size, bytesMin] of [
    ['20', 30],
    ['31', 31],
    [String(16 * MIB + 60), 16 * MIB + 60],
    [String(16 * MIB + 61), 30],
    ['-1', 30],
    ['1e9', 30],
    ['9'.repeat(400), 30],
  ] as const) {
    await ask(LIST, { 'statsig-id-list-file-size': size });
    assert.equal(source.wishes.at(-1)?.bytesMin, bytesMin, size);
  }
});

test('the source is asked by the path and query as they were sent, and by the key', async (t) => {
  const { ask, source } = await startScene(t);
  await ask(`${PATH}/list%2Fa/b%20c?sig=%2B&range=0-`, { 'statsig-api-key': 'secret-a' });
  await ask(`${PATH}/list`, { 'statsig-api-key': '' });
  assert.deepEqual(source.asked, [
    { id: 'list%2Fa/b%20c', search: '?sig=%2B&range=0-', sdkKey: 'secret-a' },
    { id: 'list', search: '', sdkKey: undefined },
  ]);
});

test('HEAD has the headers of GET, and reads nothing', async (t) => {
  const { ask, source } = await startScene(t);
  const { head, body } = await ask(LIST, { range: 'bytes=10-' }, 'HEAD');
  assert.match(head, /^http\/1\.1 206 /);
  assert.equal(headerOf(head, 'content-length'), '20');
  assert.equal(headerOf(head, 'content-range'), 'bytes 10-29/30');
  assert.equal(body, '');
  assert.match((await ask(LIST, { range: 'bytes=30-' }, 'HEAD')).head, /^http\/1\.1 416 /);
  assert.equal(source.open, 0);
});

const FAILED: FileReading = { kind: 'failed', reason: 'status_500', detail: 'HTTP status 500' };

for (const method of ['GET', 'HEAD']) {
  test(`${method} of what fails ends without an answer`, async (t) => {
    const { ask, source } = await startScene(t);
    const nothing = { head: '', body: '' };
    for (const target of [
      `${PATH}/nobody`,
      `${PATH}/`,
      `${PATH}/throws`,
      `${PATH}/%E0%A4%A`,
      `${PATH}/list%`,
    ]) {
      assert.deepEqual(await ask(target, {}, method), nothing, target);
    }
    source.reading = () => FAILED;
    for (const range of ['bytes=0-', 'bytes=-5', 'nonsense']) {
      assert.deepEqual(await ask(LIST, { range }, method), nothing);
    }
    assert.deepEqual(await ask(LIST, {}, method), nothing);
    source.reading = () => Promise.reject(new Error('as scripted'));
    assert.deepEqual(await ask(LIST, {}, method), nothing);
  });
}

async function* failingAfter(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  if (piece.length > 0) yield piece;
  await Promise.reject(new Error('as scripted'));
}

test('a body that fails at its first byte ends without an answer, one that fails later is cut short', async (t) => {
  const { ask, source } = await startScene(t);
  let piece = FILE.subarray(0, 0);
  source.reading = () => ({ kind: 'bytes', totalBytes: 30, body: source.bodyOf(failingAfter(piece)) });
  assert.deepEqual(await ask(LIST), { head: '', body: '' });
  piece = FILE.subarray(0, 10);
  const { head, body } = await ask(LIST);
  assert.equal(headerOf(head, 'content-length'), '30');
  assert.ok(TEXT.startsWith(body) && body.length < 30);
  assert.equal(source.open, 0);
});

test('a body that ends too early is cut short, not made up for', async (t) => {
  const { ask, source } = await startScene(t);
  source.reading = () => ({ kind: 'bytes', totalBytes: 40, body: source.bodyOf([FILE]) });
  const { head, body } = await ask(LIST);
  assert.equal(headerOf(head, 'content-length'), '40');
  assert.equal(body, TEXT);
});

test('a connection serves one file after another', async (t) => {
  const { open } = await startScene(t);
  const socket = await open();
  const text = textUntilClosed(socket);
  socket.write(requestText(LIST) + requestText(LIST, { range: 'bytes=20-' }));
  socket.write(requestText(LIST, { range: 'bytes=99-', connection: 'close' }));
  const whole = await text;
  assert.equal(whole.match(/^HTTP\/1\.1 /gm)?.length, 3);
  assert.equal(whole.split(TEXT).length, 2);
});

test('what fails behind another answer waits for that to be sent, and cuts off nobody else', async (t) => {
  const { open, source } = await startScene(t);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const tail = Buffer.alloc(8 * MIB, '+');
  async function* slowly(): AsyncGenerator<Uint8Array> {
    yield FILE;
    await gate;
    yield tail;
  }
  source.reading = () => ({ kind: 'bytes', totalBytes: 30 + tail.length, body: source.bodyOf(slowly()) });
  const [both, other] = [await open(), await open()];
  const [bothText, otherText] = [textUntilClosed(both), textUntilClosed(other)];
  both.write(requestText(LIST) + requestText(`${PATH}/nobody`));
  other.write(requestText(LIST, { connection: 'close' }));
  await eventually('question for nobody', () => source.asked.some(({ id }) => id === 'nobody'));
  release();
  assert.equal(splitReply(await bothText).body.length, 30 + tail.length);
  assert.equal(splitReply(await otherText).body.length, 30 + tail.length);
});

test('a client that reads slowly holds up the reading, and gets all in the end', async (t) => {
  const { open, source } = await startScene(t);
  const pieces = 1_600;
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; read < pieces; read += 1) yield Buffer.alloc(65_536, '+');
  }
  source.reading = () => ({ kind: 'bytes', totalBytes: pieces * 65_536, body: source.bodyOf(endless()) });
  const socket = await open();
  socket.pause().write(requestText(LIST, { connection: 'close' }));
  let before = -1;
  await eventually('standstill', async () => {
    const isStill = read > 0 && read === before;
    before = read;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isStill && read === before;
  });
  // What two sockets of the system hold, and a little of ours.
  assert.ok(read < pieces / 4, `${read} pieces`);
  let bytes = 0;
  socket.on('data', (piece: Buffer) => (bytes += piece.length)).resume();
  await within(once(socket, 'close'), 'end of the answer');
  assert.ok(bytes > pieces * 65_536);
  assert.equal(source.open, 0);
});

test('a client that goes away ends its reading, in the middle of it or before it began', async (t) => {
  const { port, open, source } = await startScene(t);
  async function* stalled(): AsyncGenerator<Uint8Array> {
    yield FILE;
    for (;;) {
      yield FILE;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  source.reading = () => ({ kind: 'bytes', totalBytes: 1e12, body: source.bodyOf(stalled()) });
  const reading = await open();
  reading.write(requestText(LIST));
  await within(once(reading, 'data'), 'first bytes');
  assert.equal(source.open, 1);
  reading.destroy();
  await eventually('end of the reading', () => source.open === 0);

  let give: (reading: FileReading) => void = () => undefined;
  source.reading = () =>
    new Promise((resolve) => {
      give = resolve;
    });
  const waiting = await open();
  waiting.write(requestText(LIST));
  await eventually('second question', () => source.wishes.length === 2);
  waiting.destroy();
  await eventually('news of it', () => port.limit.gauge.entries === 0);
  give({ kind: 'bytes', totalBytes: 1e12, body: source.bodyOf(stalled()) });
  await eventually('end of what did not begin', () => source.open === 0);
});

test('an answer in flight ends while the server drains', async (t) => {
  const { port, open, source } = await startScene(t);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* slowly(): AsyncGenerator<Uint8Array> {
    yield FILE.subarray(0, 10);
    await gate;
    yield FILE.subarray(10);
  }
  source.reading = () => ({ kind: 'bytes', totalBytes: 30, body: source.bodyOf(slowly()) });
  const socket = await open();
  const text = textUntilClosed(socket);
  const begun = once(socket, 'data');
  socket.write(requestText(LIST));
  await within(begun, 'first bytes');
  const drained = port.drain();
  release();
  assert.equal(splitReply(await text).body, TEXT);
  await within(drained, 'end of the drain');
});
