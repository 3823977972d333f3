// The gRPC server: limits, services, and an end in good order; it is given its connections.
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Http2Server } from 'node:http2';
import type { Clock } from '../../domain/clock.js';
import type { Gauges } from '../../observability/gauges.js';
import type { StreamRegistry } from '../../streams/stream-registry.js';
import { CallLimits } from '../http2/call-limits.js';
import type { Accept } from '../listener/listening-port.js';
import type { ClientConnections } from '../http2/client-connections.js';
import { CHECK_PATH } from './health-client.js';
import type { HealthService } from './health-service.js';
import { http2ServerOf } from './http2-server.js';
import type { LimitReports } from '../http2/limit-reports.js';
import { loadHealthService } from './protos.js';

/** Requests of SDKs have under 400 bytes. */
const MESSAGE_BYTES_MAX = 4_096;
/** A message's length and whether it is compressed: they stand before it. */
const PREFIX_BYTES = 5;
/** From a call's headers to the end of its request. */
const REQUEST_MS_MAX = 10_000;
/** Calls on one connection beyond the streams: what is refused must still get its answer. */
const CALLS_BESIDE_STREAMS = 100;
/** Calls open over all connections, beyond the streams and what waits for a spec. */
const OTHER_CALLS_MAX = 500;
/** Of a connection for each of its calls, by Node's count: what is queued for a client that does not read is most of it. */
const SESSION_BYTES_PER_CALL = 64 * 1024;
const MB = 1_000_000;
/** A dead connection that was never closed is found after this and the time for an answer. */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_ANSWER_MS = 20_000;
/** By which that is longer than a stall: a client that reads nothing is to be dropped, and counted, as stalled. */
const KEEPALIVE_BEYOND_STALL_MS = 10_000;
/** After a connection reached its age and got a GOAWAY, what is still open on it ends. */
const AGE_GRACE_MS = 5_000;

export interface GrpcServerOptions {
  /** Age at which a connection is asked to be made anew, give or take a tenth; 0 for never. */
  readonly connectionAgeMs: number;
  /** How long a client may take nothing of a message. */
  readonly stallMs: number;
}

/** A service of a protocol. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

export interface GrpcServices {
  readonly registry: StreamRegistry;
  readonly protocols: readonly GrpcService[];
  readonly health: HealthService;
  readonly connections: ClientConnections;
  readonly reports: LimitReports;
}

export class GrpcServer {
  readonly #clock: Clock;
  readonly #services: GrpcServices;
  readonly #server: Server;
  readonly #calls: CallLimits;
  readonly #http2: Http2Server;
  #isDraining = false;

  constructor(clock: Clock, services: GrpcServices, options: GrpcServerOptions) {
    this.#clock = clock;
    this.#services = services;
    const { connections, reports } = services;
    const { streamsMax, waitingMax } = services.registry;
    const connectionCallsMax = streamsMax + CALLS_BESIDE_STREAMS;
    const callsMax = streamsMax + waitingMax + OTHER_CALLS_MAX;
    this.#calls = new CallLimits(clock, connections, reports, {
      callsMax,
      isAnsweredAtOnce: (path) => path === CHECK_PATH,
      requestMs: REQUEST_MS_MAX,
      gatheredBytesMax: PREFIX_BYTES + MESSAGE_BYTES_MAX,
    });
    // It writes lines of its own to standard error, between ours; what matters of them reaches us as errors too.
    setLogVerbosity(logVerbosity.NONE);
    this.#server = new Server({
      // Of a compressed message, too, when it is decompressed.
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': connectionCallsMax,
      'grpc-node.max_session_memory': Math.ceil((connectionCallsMax * SESSION_BYTES_PER_CALL) / MB),
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': Math.max(KEEPALIVE_ANSWER_MS, options.stallMs + KEEPALIVE_BEYOND_STALL_MS),
      ...(options.connectionAgeMs === 0
        ? {}
        : {
            'grpc.max_connection_age_ms': options.connectionAgeMs,
            'grpc.max_connection_age_grace_ms': AGE_GRACE_MS,
          }),
    });
    for (const { definition, handlers } of services.protocols) this.#server.addService(definition, handlers);
    this.#server.addService(loadHealthService(), services.health.handlers);
    // It takes connections in its own way, which cannot tell us their places: so they go to the server below it.
    this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#http2 = http2ServerOf(this.#server);
    this.#calls.guard(this.#http2);
  }

  get gauges(): Gauges {
    return { grpcCalls: this.#calls.gauge, ...this.#services.health.gauges };
  }

  /** How often clients reached which limit. */
  get limitsReached(): LimitReports['counts'] {
    return this.#services.reports.counts;
  }

  /** Speaks gRPC on a connection. */
  readonly accept: Accept = (socket, place) => {
    if (this.#isDraining) socket.destroy();
    else this.#services.connections.accept(this.#http2, socket, place);
  };

  /** Tells every client to go once its calls have ended; `closed`: when no connection is left. */
  async drain(streamsOverInMs: number, closed: Promise<unknown>): Promise<void> {
    this.#isDraining = true;
    const cancelWatches = this.#clock.schedule(streamsOverInMs, () => {
      this.#services.health.endWatches();
    });
    // When it has shut down is known by its connections.
    this.#server.tryShutdown(() => undefined);
    await closed;
    cancelWatches();
  }
}
