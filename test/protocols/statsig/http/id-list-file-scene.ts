// One test's stage for the routes of ID lists' files: a server, a source that is scripted, and raw connections to it.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import type { FileReading, FileWish } from '../../../../src/protocols/statsig/id-lists/file-reading.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { systemClock } from '../../../../src/domain/clock.js';
import { buildFastifyApp } from '../../../../src/servers/http/fastify-app.js';
import {
  addIdListFileRoutes,
  type IdListFileSource,
} from '../../../../src/protocols/statsig/http/id-list-file-routes.js';
import { within } from '../../../e2e/deadline.js';
import { httpBounds } from '../../../fakes/http-bounds.js';
import { listenHttp, type OpenPort } from '../../../fakes/listening-app.js';
import { LogSink } from '../../../fakes/log-sink.js';

export const FILE = Buffer.from('+aaaaaaaa\n+bbbbbbbb\n-cccccccc\n');
export const PATH = '/v1/download_id_list_file';

type Asked = Parameters<IdListFileSource['find']>[0];

export class ScriptedSource implements IdListFileSource {
  readonly asked: Asked[] = [];
  readonly wishes: FileWish[] = [];
  /** Bodies that were handed out and are not let go of. */
  open = 0;
  promisedBytes = FILE.length;
  /** Done instead of answering with the file. */
  reading: ((wish: FileWish) => FileReading | Promise<FileReading>) | undefined;

  async find(asked: Asked): ReturnType<IdListFileSource['find']> {
    this.asked.push(asked);
    if (asked.id === 'throws') throw new Error('as scripted');
    if (!asked.id.startsWith('list')) return undefined;
    return { file: { name: asked.id, url: 'http://nowhere.invalid/' }, bytesMin: this.promisedBytes };
  }

  async read(_file: unknown, wish: FileWish): Promise<FileReading> {
    this.wishes.push(wish);
    if (this.reading !== undefined) return await this.reading(wish);
    const totalBytes = FILE.length;
    if (wish.fromByte > 0 && wish.fromByte >= totalBytes) return { kind: 'past-end', totalBytes };
    return { kind: 'bytes', totalBytes, body: this.bodyOf([FILE.subarray(wish.fromByte)]) };
  }

  /** Counted in `open` until its iterator ends, is returned or throws. */
  bodyOf(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    async function* all(): AsyncGenerator<Uint8Array, undefined> {
      yield* pieces;
    }
    const source = all();
    this.open += 1;
    let isOpen = true;
    const close = (): void => {
      if (isOpen) this.open -= 1;
      isOpen = false;
    };
    const iterator: AsyncIterator<Uint8Array, undefined> = {
      next: async () => {
        try {
          return await source.next();
        } catch (error) {
          close();
          throw error;
        }
      },
      return: async () => {
        close();
        await source.return(undefined);
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }
}

export interface RouteScene {
  readonly app: FastifyInstance;
  readonly port: OpenPort;
  readonly source: ScriptedSource;
  readonly sink: LogSink;
  /** Sends one request, and gives all that comes until the server closes. */
  readonly ask: (
    target: string,
    headers?: Readonly<Record<string, string>>,
    method?: string,
  ) => Promise<RawReply>;
  readonly open: () => Promise<Socket>;
}

export interface RawReply {
  /** Status line and headers, in lower case; empty for no answer at all. */
  readonly head: string;
  readonly body: string;
}

export async function startScene(t: TestContext): Promise<RouteScene> {
  const sink = new LogSink();
  const log = createLogger(sink, { level: 'info', instanceName: 'test', version: '1.2.3' });
  const http = buildFastifyApp(systemClock, log, httpBounds());
  const { app } = http;
  const source = new ScriptedSource();
  addIdListFileRoutes(app, source, () => true);
  const port = await listenHttp(t, http);
  const open = async (): Promise<Socket> => {
    const socket = connect(port.number, '127.0.0.1');
    // Who is cut off hears of it by what came.
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const ask: RouteScene['ask'] = async (target, headers = {}, method = 'GET') => {
    const socket = await open();
    socket.write(requestText(target, { connection: 'close', ...headers }, method));
    return splitReply(await textUntilClosed(socket));
  };
  return { app, port, source, sink, ask, open };
}

export function requestText(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): string {
  const fields = Object.entries({ host: 'proxy', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${target} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

export async function textUntilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  await within(once(socket, 'close'), 'end of the connection');
  return text;
}

export function splitReply(text: string): RawReply {
  const [head = '', ...body] = text.split('\r\n\r\n');
  return { head: head.toLowerCase(), body: body.join('\r\n\r\n') };
}
