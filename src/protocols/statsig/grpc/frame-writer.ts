// Writes frames to the HTTP/2 stream under a gRPC call, so that one buffer serves every stream without being copied.
import type { ServerWritableStream } from '@grpc/grpc-js';
import { constants } from 'node:http2';
import { http2StreamOf } from '../../../servers/grpc/http2-stream.js';
import { writeSlices } from '../../../streams/slices.js';
import { STALLED } from './grpc-question.js';
import { messageOf } from './spec-frame.js';

export interface FrameWriter {
  /** Calls `took` after each slice the client took, and `done` after the last; neither once the stream is closed. */
  write(frame: Buffer, took: () => void, done: () => void): void;
  /** Breaks the stream off: for a client that would never take a status. */
  breakOff(): void;
}

/**
 * grpc-js copies every message behind a prefix of its own: for 500 streams and a spec of 1.3 MB, 650 MB. The HTTP/2
 * stream is a private member there; where a release hides it, its own way is taken, and a test tells us.
 */
export function createFrameWriter(call: ServerWritableStream<unknown, Buffer>): FrameWriter {
  const stream = http2StreamOf(call);
  if (stream === undefined) return createCopyingWriter(call);
  return {
    write: (frame, took, done) => {
      writeSlices(stream, frame, stream.session?.remoteSettings.initialWindowSize ?? 0, took, done);
    },
    breakOff: () => {
      stream.close(constants.NGHTTP2_CANCEL);
      // Data that waits for the client's window would keep the stream open for ever.
      stream.destroy();
    },
  };
}

function createCopyingWriter(call: ServerWritableStream<unknown, Buffer>): FrameWriter {
  return {
    write: (frame, took, done) => {
      call.write(messageOf(frame), (error: Error | null | undefined) => {
        if (error !== null && error !== undefined) return;
        took();
        done();
      });
    },
    // Destroying the call would end nothing on the wire. A status at least ends it for a client that reads again.
    breakOff: () => {
      call.emit('error', STALLED);
    },
  };
}
