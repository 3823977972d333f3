// Asks a gRPC server on this machine for its health, by hand: loading a gRPC client would take longer than everything else.
import { connect, type IncomingHttpHeaders } from 'node:http2';
import type { Cancel, Clock } from '../../domain/clock.js';

export const CHECK_PATH = '/grpc.health.v1.Health/Check';
const TIMEOUT_MS = 3_000;
/** Not compressed, and without a single byte, which asks for the health of the server as a whole. */
const EMPTY_MESSAGE = Buffer.alloc(5);
/** The same with field 1, the status, saying 1: SERVING. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);

/** Resolves with the serving status in words; rejects where there is no answer. `origin`: such as `http://127.0.0.1:50051`, or with https. */
export async function askGrpcHealth(clock: Clock, origin: string): Promise<string> {
  // It asks itself: whose certificate that is, and for which name, is not in question.
  const session = connect(origin, { rejectUnauthorized: false });
  const pieces: Buffer[] = [];
  let endings: IncomingHttpHeaders = {};
  let cancel: Cancel = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      cancel = clock.schedule(TIMEOUT_MS, () => {
        reject(new Error(`no answer within ${TIMEOUT_MS} ms`));
      });
      session.on('error', reject);
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
      call.on('error', reject).once('close', resolve);
      call.end(EMPTY_MESSAGE);
    });
  } finally {
    cancel();
    session.destroy();
  }
  const code = endings['grpc-status'];
  if (code !== '0') throw new Error(`no health status: gRPC status ${String(code ?? 'missing')}`);
  return Buffer.concat(pieces).equals(SERVING) ? 'SERVING' : 'NOT_SERVING';
}
