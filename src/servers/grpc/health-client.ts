// Asks a gRPC server for its health, by hand: loading a gRPC client would take longer than everything else.
import { connect, type IncomingHttpHeaders, type SecureClientSessionOptions } from 'node:http2';
import type { Cancel, Clock } from '../../domain/clock.js';

export const CHECK_PATH = '/grpc.health.v1.Health/Check';
const TIMEOUT_MS = 3_000;
/** Field 1 with a text, of the request, and with the number 1, which says SERVING, of the answer. */
const TEXT_1 = 0x0a;
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);

export interface HealthQuestion {
  /** Where left out, any certificate will do: the process asks its own machine, and whose certificate that is, is not in question. */
  readonly tls?: Pick<
    SecureClientSessionOptions,
    'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'
  >;
  /** The server as a whole where left out; 127 bytes at most. */
  readonly service?: string;
  readonly timeoutMs?: number;
}

/** No connection came about: nothing listens there, or it speaks another protocol or shows another certificate. */
export class NoConnection extends Error {}

/** Resolves with the serving status in words; rejects where there is no answer. `origin`: such as `http://127.0.0.1:50051`, or with https. */
export async function askGrpcHealth(
  clock: Clock,
  origin: string,
  question: HealthQuestion = {},
): Promise<string> {
  const { tls = { rejectUnauthorized: false }, service = '', timeoutMs = TIMEOUT_MS } = question;
  const session = connect(origin, tls);
  const pieces: Buffer[] = [];
  let endings: IncomingHttpHeaders = {};
  let cancel: Cancel = () => undefined;
  let hasConnected = false;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = ({ message }: Error): void => {
        reject(hasConnected ? new Error(message) : new NoConnection(message));
      };
      cancel = clock.schedule(timeoutMs, () => {
        fail(new Error(`no answer within ${timeoutMs} ms`));
      });
      session.on('error', fail).once('remoteSettings', () => (hasConnected = true));
      const call = session.request({
        ':method': 'POST',
        ':path': CHECK_PATH,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const take = (headers: IncomingHttpHeaders): void => {
        endings = { ...endings, ...headers };
      };
      call.on('response', take).on('trailers', take);
      call.on('data', (piece: Buffer) => pieces.push(piece));
      call.on('error', fail).once('close', resolve);
      call.end(requestFor(service));
    });
  } finally {
    cancel();
    session.destroy();
  }
  const code = endings['grpc-status'];
  if (code !== '0') throw new Error(`no health status: gRPC status ${String(code ?? 'missing')}`);
  return Buffer.concat(pieces).equals(SERVING) ? 'SERVING' : 'NOT_SERVING';
}

/** Not compressed, and without a single byte of message where it asks for the server as a whole. */
function requestFor(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([TEXT_1, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
