// A host whose chunks are longer or shorter than they say: what stood between them must not stay in the copy of a file.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../../../src/domain/clock.js';
import { IdListFiles } from '../../../../src/protocols/statsig/id-lists/id-list-files.js';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { createIdListFileClient } from '../../../../src/protocols/statsig/origin/id-list-file-client.js';
import { eventually } from '../../../e2e/deadline.js';
import { LogSink } from '../../../fakes/log-sink.js';
import { HONEST, startRawOrigin } from '../../../fakes/raw-origin.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';
import { fileNamed, lines, toText } from './file-scene.js';

const FILE = Buffer.from(lines('a', 0, 50));
const GROWN = Buffer.from(lines('a', 0, 60));

describe('a whole file in chunks, of which the last is not as long as it says', () => {
  for (const lengthError of [1, 2, 3, -1, -2] as const) {
    it(`by ${lengthError}: when the file grows, it is right`, async (t) => {
      let file = FILE;
      const origin = await startRawOrigin(({ headers }) => {
        const from = Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1]);
        if (file === FILE) return { status: 200, headers: {}, body: file };
        const range = `bytes ${from}-${file.length - 1}/${file.length}`;
        return { status: 206, headers: { 'content-range': range }, body: file.subarray(from) };
      });
      const log = createLogger(new LogSink(), { level: 'info', instanceName: 'test', version: '1.2.3' });
      const client = createIdListFileClient(systemClock, CLIENT_OPTIONS);
      const files = new IdListFiles(systemClock, log, client, new MemoryPlace(), { bytesMax: 10_000 });
      t.after(async () => {
        await files.close();
        await origin.close();
      });
      const read = async (bytesMin: number): Promise<string> =>
        await toText(await files.read({ ...fileNamed('a'), url: origin.url }, { fromByte: 0, bytesMin }));
      origin.plan = () => ({ framing: 'chunked', chunkBytes: 100, lengthError, pieceBytes: 60, pauseMs: 1 });
      await read(FILE.length);
      origin.plan = () => HONEST;
      file = GROWN;
      const right = `bytes ${GROWN.length}: ${GROWN.toString()}`;
      await eventually('whole file', async () => {
        const came = await read(GROWN.length);
        assert.ok(came === right || !came.startsWith('bytes'), came);
        return came === right;
      });
    });
  }
});
