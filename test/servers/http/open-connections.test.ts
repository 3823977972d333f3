// What waits behind another answer when its connection closes: it is let go of, whether it had begun or not.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { FileReading } from '../../../src/id-lists/file-reading.js';
import { eventually, within } from '../../e2e/deadline.js';
import { FILE, PATH, requestText, startScene } from './id-list-file-scene.js';

const LIST = `${PATH}/list`;
const ANSWERS = 5;

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield FILE;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('answers that wait behind another one end with their connection', async (t) => {
  const { open, source } = await startScene(t);
  source.reading = () => ({ kind: 'bytes', totalBytes: 1e12, body: source.bodyOf(endless()) });
  const socket = await open();
  socket.write(requestText(LIST).repeat(ANSWERS));
  await eventually('all of them', () => source.open === ANSWERS);
  await within(once(socket, 'data'), 'first bytes');
  socket.destroy();
  await eventually('end of all', () => source.open === 0);
});

test('so does one that had nothing to send yet', async (t) => {
  const { app, open, source } = await startScene(t);
  let give: (reading: FileReading) => void = () => undefined;
  const bytes = (): FileReading => ({ kind: 'bytes', totalBytes: 1e12, body: source.bodyOf(endless()) });
  source.reading = () =>
    source.wishes.length === 1
      ? bytes()
      : new Promise((resolve) => {
          give = resolve;
        });
  const accepted = once(app.server, 'connection');
  const socket = await open();
  const [atServer] = (await within(accepted, 'connection')) as [Socket];
  socket.write(requestText(LIST).repeat(2));
  await within(once(socket, 'data'), 'first bytes');
  await eventually('second question', () => source.wishes.length === 2);
  const closed = once(atServer, 'close');
  socket.destroy();
  await within(closed, 'news of it');
  give(bytes());
  await eventually('end of both', () => source.open === 0);
});
