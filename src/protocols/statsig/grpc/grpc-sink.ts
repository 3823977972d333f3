// The wire under a ClientStream: frames written to a gRPC call, its end as a status; the frames are made once per version.
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { Cancel, Clock } from '../../../domain/clock.js';
import { maskSdkKey } from '../../../domain/sdk-key.js';
import type { Logger } from '../../../observability/logger.js';
import type { StreamEnd, StreamSink } from '../../../streams/client-stream.js';
import { createFrameWriter } from './frame-writer.js';
import type { GrpcRefusal } from './grpc-question.js';
import { noUpdatesFrame, specFrame, STOCK_CLIENT_BYTES_MAX } from './spec-frame.js';

/** Gives a version's frame, and tells people of what stock clients refuse, once for each version. */
export class SpecFrames {
  readonly #log: Logger;
  /** Versions seen; each goes with the payload it belongs to. */
  readonly #seen = new WeakSet<HeldPayload>();

  constructor(log: Logger) {
    this.#log = log;
  }

  async of(held: HeldPayload): Promise<Buffer> {
    try {
      const frame = await specFrame(held);
      if (!this.#seen.has(held)) this.#tell(held, frame);
      return frame;
    } catch (error) {
      this.#log.error({ err: error, ...describe(held) }, 'a spec could not be encoded for gRPC');
      throw error;
    }
  }

  #tell(held: HeldPayload, frame: Buffer): void {
    this.#seen.add(held);
    if (frame.length <= STOCK_CLIENT_BYTES_MAX) return;
    this.#log.warn(
      { ...describe(held), messageBytes: frame.length, stockClientBytesMax: STOCK_CLIENT_BYTES_MAX },
      'spec is larger than stock gRPC clients accept: they need a higher limit, or HTTP',
    );
  }
}

/** The first message of a stream, and what follows it. */
export type SentMessage = 'first' | 'update' | 'heartbeat';

export interface GrpcSinkListener {
  /** The stream ends for this reason; gives the status to end it with. */
  ended(why: StreamEnd): GrpcRefusal;
  /** A message was taken whole by the client. `version`: of the spec in it, if there is one. */
  sent(what: SentMessage, version: number | undefined): void;
}

/** `stallMs`: how long a client may leave the status that ends its stream. */
export function createGrpcSink(
  clock: Clock,
  call: ServerWritableStream<unknown, Buffer>,
  frames: SpecFrames,
  stallMs: number,
  listener: GrpcSinkListener,
): StreamSink {
  const writer = createFrameWriter(call);
  /** The frame made ready for sending; the version's own buffer, shared by all streams. */
  let ready: Buffer = Buffer.alloc(0);
  let isFirst = true;
  return {
    prepare: async (held) => {
      ready = await frames.of(held);
    },
    send: (message, took, done) => {
      const isSpec = message.kind === 'spec';
      const frame = isSpec ? ready : noUpdatesFrame(message.version);
      ready = Buffer.alloc(0);
      writer.write(frame, took, () => {
        const what = isSpec ? 'update' : 'heartbeat';
        listener.sent(isFirst ? 'first' : what, isSpec ? message.held.payload.version : undefined);
        isFirst = false;
        done();
      });
    },
    end: (why) => {
      const refusal = listener.ended(why);
      // A client that takes nothing would not take a status either.
      if (why === 'stalled') {
        writer.breakOff();
        return;
      }
      const cancel = clock.schedule(stallMs, () => {
        writer.breakOff();
      });
      call.once('cancelled', cancel);
      call.emit('error', refusal);
    },
  };
}

/** Sends one frame and ends the call with OK; breaks it off where its client takes nothing for `stallMs`. */
export function sendOnce(
  clock: Clock,
  call: ServerWritableStream<unknown, Buffer>,
  frame: Buffer,
  stallMs: number,
): void {
  const writer = createFrameWriter(call);
  let cancel: Cancel = () => undefined;
  const watchForStall = (): void => {
    cancel();
    cancel = clock.schedule(stallMs, () => {
      writer.breakOff();
    });
  };
  call.once('cancelled', () => {
    cancel();
  });
  watchForStall();
  writer.write(frame, watchForStall, () => {
    call.end();
  });
}

function describe({ key, payload }: HeldPayload): Record<string, unknown> {
  return { sdkKey: maskSdkKey(key.sdkKey), api: key.kind.name, specVersion: payload.version };
}
