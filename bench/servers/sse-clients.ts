// Clients of streams of server-sent events, each on a connection of its own: they find the ends of frames, and keep no byte.
import { connect } from 'node:net';
import { answerParent } from './answer-parent.js';
import { machineMs } from './grpc-machine-clock.js';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly url: string;
  /** Request line, headers and body, but for `Host`. */
  readonly head: readonly string[];
  readonly body: string;
  readonly streams: number;
  /** What is shorter is a comment or a heartbeat. */
  readonly frameBytesMin: number;
};
/** Connections that are being opened at one time. */
const OPENING_MAX = 100;
const LINE_END = 0x0a;

/** The moments at which streams had a whole frame, by how many frames the stream had had before. */
const wholeAtMs: number[][] = [];
const failures: string[] = [];
const { hostname, port, host } = new URL(options.url);
const request = Buffer.from(`${[...options.head, `Host: ${host}`].join('\r\n')}\r\n\r\n${options.body}`);
let opened = 0;

function openStream(): void {
  if (opened === options.streams) return;
  opened += 1;
  let frames = 0;
  let frameBytes = 0;
  let last = 0;
  let isOpening = true;
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.write(request);
  socket.on('error', ({ message }) => failures.push(message));
  socket.on('close', () => failures.push('a stream was closed'));
  socket.on('data', (piece: Buffer) => {
    if (isOpening && !/^HTTP\/1\.1 200 /.test(piece.toString('latin1', 0, 13))) {
      failures.push(piece.toString('latin1', 0, 80));
    }
    if (isOpening) openStream();
    isOpening = false;
    for (let at = 0; at < piece.length;) {
      const end = piece.indexOf(LINE_END, at);
      frameBytes += (end < 0 ? piece.length : end + 1) - at;
      if (end < 0) {
        last = piece[piece.length - 1] ?? 0;
        break;
      }
      // No line of HTTP's ends so, as there a carriage return stands between.
      if ((end === at ? last : piece[end - 1]) === LINE_END) {
        if (frameBytes >= options.frameBytesMin) {
          (wholeAtMs[frames] ??= []).push(machineMs());
          frames += 1;
        }
        frameBytes = 0;
      }
      last = LINE_END;
      at = end + 1;
    }
  });
}

for (let lane = 0; lane < OPENING_MAX; lane += 1) openStream();

// `specs`: how many each stream is to have had; answers how many streams have, and when the last of them was there.
answerParent({ url: '' }, ({ specs }) => {
  const moments = wholeAtMs[Number(specs) - 1] ?? [];
  const lastAtMs = moments.at(-1) ?? 0;
  return { kind: 'received', streams: moments.length, lastAtMs, failures: failures.slice(0, 3) };
});
