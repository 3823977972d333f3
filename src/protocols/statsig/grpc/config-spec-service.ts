// getConfigSpec and StreamConfigSpec: questions, places, subscriptions; what a stream sends when is ClientStream's.
import type { ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { Metadata, status } from '../../../servers/grpc/grpc-values.js';
import type { Reading } from '../../../core/reader.js';
import type { FeedListener } from '../../../core/update-feed.js';
import type { Clock } from '../../../domain/clock.js';
import { hasNewsFor } from '../../../domain/payload.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { eventFields, type ProxyEventName, type ProxyEvents } from '../../../observability/proxy-events.js';
import { ClientStream, type ClientStreamOptions, type StreamEnd } from '../../../streams/client-stream.js';
import type { Readiness } from '../../../servers/readiness.js';
import type { StreamRegistry } from '../../../streams/stream-registry.js';
import type { ClientConnections } from '../../../servers/grpc/client-connections.js';
import { STALLED, toGrpcQuestion, toRefusal, type GrpcRefusal } from './grpc-question.js';
import { createGrpcSink, sendOnce, type SpecFrames } from './grpc-sink.js';
import type { ConfigSpecRequest } from './config-spec-proto.js';
import { noUpdatesFrame } from './spec-frame.js';

/** What of the datastore a stream needs. */
export interface StreamSource {
  read(key: PayloadKey): Reading | Promise<Reading>;
  subscribe(key: PayloadKey, listener: FeedListener): () => void;
  keepWhileStreamed(sdkKey: string): () => void;
}

export interface ConfigSpecServiceOptions extends ClientStreamOptions {
  /** Sent as `x-sfp-hostname`. */
  readonly instanceName: string;
}

export interface ConfigSpecRooms {
  readonly registry: StreamRegistry;
  readonly frames: SpecFrames;
  readonly readiness: Readiness;
  readonly connections: ClientConnections;
}

type StreamCall = ServerWritableStream<ConfigSpecRequest, Buffer>;

const ENDINGS: Readonly<Record<StreamEnd, GrpcRefusal>> = {
  refused: toRefusal({ kind: 'refused' }),
  draining: { code: status.UNAVAILABLE, details: 'This replica is shutting down: connect again.' },
  stalled: STALLED,
  failed: { code: status.UNAVAILABLE, details: 'A fault of this proxy: its log says more. Connect again.' },
};

const TOO_MANY_WAIT: Reading = {
  kind: 'unavailable',
  cause: 'too_many_cold_fetches',
  detail: '',
  retryAfterMs: 1_000,
};

export class ConfigSpecService {
  readonly #clock: Clock;
  readonly #events: ProxyEvents;
  readonly #source: StreamSource;
  readonly #registry: StreamRegistry;
  readonly #frames: SpecFrames;
  readonly #readiness: Readiness;
  readonly #connections: ClientConnections;
  readonly #options: ConfigSpecServiceOptions;

  constructor(
    clock: Clock,
    events: ProxyEvents,
    source: StreamSource,
    rooms: ConfigSpecRooms,
    options: ConfigSpecServiceOptions,
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#source = source;
    this.#registry = rooms.registry;
    this.#frames = rooms.frames;
    this.#readiness = rooms.readiness;
    this.#connections = rooms.connections;
    this.#options = options;
  }

  get handlers(): UntypedServiceImplementation {
    return {
      getConfigSpec: (call: StreamCall) => {
        void this.#answer(call);
      },
      StreamConfigSpec: (call: StreamCall) => {
        void this.#stream(call);
      },
    };
  }

  async #answer(call: StreamCall): Promise<void> {
    call.sendMetadata(this.#metadata());
    const question = toGrpcQuestion(call.request);
    if ('code' in question) {
      refuse(call, question);
      return;
    }
    const reading = await this.#read(call, question.key);
    if (reading.kind !== 'held') {
      refuse(call, toRefusal(reading));
      return;
    }
    this.#connections.prove(call);
    const { version } = reading.held.payload;
    try {
      const isNews = hasNewsFor(version, question.sinceTime);
      const frame = isNews ? await this.#frames.of(reading.held) : noUpdatesFrame(version);
      sendOnce(this.#clock, call, frame, this.#options.stallMs);
    } catch {
      // Logged where it was made.
      refuse(call, ENDINGS.failed);
    }
  }

  async #stream(call: StreamCall): Promise<void> {
    call.sendMetadata(this.#metadata());
    const question = this.#readiness.phase === 'draining' ? ENDINGS.draining : toGrpcQuestion(call.request);
    if ('code' in question) {
      refuse(call, question);
      return;
    }
    const { key, sinceTime } = question;
    let isFinished = false;
    const finish = (why?: StreamEnd): void => {
      // Once by us, and once more when the call is closed after that.
      if (isFinished) return;
      isFinished = true;
      stream.close();
      unsubscribe();
      release();
      if (why === 'stalled') this.#registry.dropped += 1;
      if (this.#registry.remove(stream)) this.#record('GrpcStreamingStreamDisconnected', key);
    };
    const sink = createGrpcSink(this.#clock, call, this.#frames, this.#options.stallMs, {
      ended: (why) => {
        finish(why);
        return ENDINGS[why];
      },
      sent: () => {
        this.#record('GrpcStreamingStreamedResponse', key);
      },
    });
    const stream = new ClientStream(this.#clock, sink, this.#options);
    // Subscribed before the spec is read: nothing can fall between.
    const unsubscribe = this.#source.subscribe(key, {
      updated: (held) => {
        stream.offer(held);
      },
      removed: () => {
        stream.end('refused');
      },
    });
    const release = this.#source.keepWhileStreamed(key.sdkKey);
    call.once('cancelled', () => {
      finish();
    });
    const reading = await this.#read(call, key, stream);
    if (stream.hasEnded) return;
    if (reading.kind !== 'held') {
      finish();
      refuse(call, toRefusal(reading));
      return;
    }
    if (!this.#registry.add(stream, key)) {
      finish();
      const { streamsMax } = this.#registry;
      refuse(call, {
        code: status.RESOURCE_EXHAUSTED,
        details: `Max concurrent streams reached (${streamsMax}).`,
      });
      return;
    }
    this.#connections.prove(call);
    this.#record('GrpcStreamingStreamedInitialized', key);
    stream.open(reading.held, sinceTime);
  }

  /** What is not known yet is waited for, where not too many calls do so already; `stream` is what the call will be. */
  async #read(call: StreamCall, key: PayloadKey, stream?: ClientStream): Promise<Reading> {
    const reading = this.#source.read(key);
    if (!(reading instanceof Promise)) return reading;
    const endWait = this.#registry.wait(stream);
    if (endWait === undefined) return TOO_MANY_WAIT;
    call.once('cancelled', endWait);
    try {
      return await reading;
    } finally {
      endWait();
    }
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set('x-sfp-hostname', this.#options.instanceName);
    return metadata;
  }

  #record(name: ProxyEventName, key: PayloadKey): void {
    if (!this.#events.isWatched) return;
    this.#events.record(name, {
      ...eventFields(key),
      streams: this.#registry.active,
    });
  }
}

function refuse(call: StreamCall, refusal: GrpcRefusal): void {
  call.emit('error', refusal);
}
