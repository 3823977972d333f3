// A gRPC stream that only notes when it had which spec: what an update's way to a replica costs is measured by it.
import { connect } from 'node:http2';
import { message } from '../src/protocols/statsig/spec-body/protobuf-writer.js';

const PREFIX_BYTES = 5;
/** What is shorter is a heartbeat. */
const SPEC_BYTES_MIN = 10_000;
const WINDOW_BYTES = 2 * 1024 * 1024;

export interface SpecStream {
  /** The moment at which each spec was there whole, oldest first, by `performance.now()`. */
  readonly wholeAtMs: readonly number[];
  /** Undefined while all is well. */
  readonly failure: string | undefined;
  close(): void;
}

/** Streams the key's v1 spec; `url` is that of a gRPC server. */
export function openSpecStream(url: string, sdkKey: string): SpecStream {
  const wholeAtMs: number[] = [];
  let failure: string | undefined;
  let isClosing = false;
  const fail = (text: string): void => {
    if (!isClosing) failure ??= text;
  };
  const request = message([1, sdkKey], [3, 1], [12, 0]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(request.length, 1);
  const session = connect(url, { settings: { initialWindowSize: WINDOW_BYTES } });
  session.once('connect', () => {
    session.setLocalWindowSize(WINDOW_BYTES);
  });
  session.on('error', (error: Error) => {
    fail(error.message);
  });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/statsig_forward_proxy.StatsigForwardProxy/StreamConfigSpec',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', (error: Error) => {
    fail(error.message);
  });
  stream.on('close', () => {
    fail('the stream was closed');
  });
  let unread: Buffer = Buffer.alloc(0);
  stream.on('data', (piece: Buffer) => {
    unread = Buffer.concat([unread, piece]);
    while (unread.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + unread.readUInt32BE(1);
      if (unread.length < end) break;
      if (end > SPEC_BYTES_MIN) wholeAtMs.push(performance.now());
      unread = unread.subarray(end);
    }
  });
  stream.end(Buffer.concat([prefix, request]));
  return {
    wholeAtMs,
    get failure() {
      return failure;
    },
    close: () => {
      isClosing = true;
      session.destroy();
    },
  };
}
