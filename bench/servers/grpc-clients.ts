// Streams without an SDK behind them: they count bytes and find the ends of messages, so that what they cost is small.
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { message } from '../../src/protocols/statsig/spec-body/protobuf-writer.js';
import { answerParent } from './answer-parent.js';
import { machineMs } from './grpc-machine-clock.js';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly url: string;
  readonly sdkKey: string;
  readonly streams: number;
  readonly connections: number;
  /** What is shorter is a heartbeat; of large specs where left out. */
  readonly specBytesMin?: number;
};
/** Both as the core SDK announces it for its one stream. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const PREFIX_BYTES = 5;
const SPEC_BYTES_MIN = options.specBytesMin ?? 100_000;

/** The moments at which streams had a whole spec, by how many specs the stream had had before. */
const wholeAtMs: number[][] = [];
const failures: string[] = [];

const request = message([1, options.sdkKey], [3, 2], [12, 0]);
const prefix = Buffer.alloc(PREFIX_BYTES);
prefix.writeUInt32BE(request.length, 1);

for (let index = 0; index < options.connections; index += 1) {
  const session = connect(options.url, { settings: { initialWindowSize: WINDOW_BYTES } });
  const streams = options.streams / options.connections;
  session.on('error', ({ message: text }: Error) => failures.push(text));
  session.once('connect', () => {
    session.setLocalWindowSize(WINDOW_BYTES * streams);
    for (let opened = 0; opened < streams; opened += 1) openStream(session);
  });
}

function openStream(session: ClientHttp2Session): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/statsig_forward_proxy.StatsigForwardProxy/StreamConfigSpec',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', ({ message: text }: Error) => failures.push(text));
  stream.on('close', () => failures.push('a stream was closed'));
  countMessages(stream);
  stream.end(Buffer.concat([prefix, request]));
}

/** Without keeping a byte of the messages. */
function countMessages(stream: ClientHttp2Stream): void {
  const head = Buffer.alloc(PREFIX_BYTES);
  let headBytes = 0;
  let missingBytes = 0;
  let specs = 0;
  stream.on('data', (piece: Buffer) => {
    for (let at = 0; at < piece.length;) {
      if (headBytes < PREFIX_BYTES) {
        const taken = piece.copy(head, headBytes, at);
        headBytes += taken;
        at += taken;
        missingBytes = headBytes < PREFIX_BYTES ? 0 : head.readUInt32BE(1);
        continue;
      }
      const taken = Math.min(missingBytes, piece.length - at);
      at += taken;
      missingBytes -= taken;
      if (missingBytes > 0) continue;
      headBytes = 0;
      if (head.readUInt32BE(1) < SPEC_BYTES_MIN) continue;
      (wholeAtMs[specs] ??= []).push(machineMs());
      specs += 1;
    }
  });
}

// `specs`: how many each stream is to have had; answers how many streams have, and when the last of them was there.
answerParent({ url: '' }, ({ specs }) => {
  const moments = wholeAtMs[Number(specs) - 1] ?? [];
  const lastAtMs = moments.at(-1) ?? 0;
  return { kind: 'received', streams: moments.length, lastAtMs, failures: failures.slice(0, 3) };
});
