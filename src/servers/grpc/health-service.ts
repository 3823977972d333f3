// grpc.health.v1: whether this process should get streams; asked once, or watched.
import {
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { FairPlaces } from '../../domain/fair-places.js';
import type { Gauges } from '../../observability/gauges.js';
import type { Readiness } from '../readiness.js';
import type { StreamRegistry } from '../../streams/stream-registry.js';
import { addressOf } from './client-address.js';

/** Orchestrators and load balancers, not SDKs: clients of one address may have all until another one comes. */
const WATCHES_MAX = 200;

export type ServingStatus = 'SERVING' | 'NOT_SERVING';

interface HealthReply {
  readonly status: ServingStatus;
}

export interface HealthOptions {
  /** Not serving while more than this share of the places for streams is taken. */
  readonly streamsPercentMax: number;
}

type WatchCall = ServerWritableStream<unknown, HealthReply>;

interface Watch {
  /** The last status sent to the watcher; undefined before the first. */
  told: ServingStatus | undefined;
  isWriting: boolean;
}

/** As SFP does, `service` is not looked at: there is one thing to be healthy. */
export class HealthService {
  readonly #readiness: Readiness;
  readonly #registry: StreamRegistry;
  readonly #options: HealthOptions;
  readonly #watches = new Map<WatchCall, Watch>();
  readonly #places = new FairPlaces<WatchCall>(WATCHES_MAX);
  #refused = 0;

  constructor(readiness: Readiness, registry: StreamRegistry, options: HealthOptions) {
    this.#readiness = readiness;
    this.#registry = registry;
    this.#options = options;
    const tellAll = (): void => {
      for (const [call, watch] of this.#watches) this.#tell(call, watch);
    };
    readiness.onChange(tellAll);
    registry.onChange(tellAll);
  }

  get gauges(): Gauges {
    return {
      healthWatches: { entries: this.#watches.size, entriesMax: WATCHES_MAX, reached: this.#refused },
    };
  }

  get status(): ServingStatus {
    const percent = (this.#registry.active * 100) / this.#registry.streamsMax;
    const isServing = this.#readiness.phase === 'serving' && percent <= this.#options.streamsPercentMax;
    return isServing ? 'SERVING' : 'NOT_SERVING';
  }

  get handlers(): UntypedServiceImplementation {
    return {
      Check: (_call: ServerUnaryCall<unknown, HealthReply>, callback: sendUnaryData<HealthReply>) => {
        callback(null, { status: this.status });
      },
      Watch: (call: WatchCall) => {
        const address = addressOf(call);
        if (this.#places.isFull) {
          this.#refused += 1;
          const giver = this.#places.giverTo(address);
          this.#refuse(giver ?? call);
          if (giver === undefined) return;
        }
        const watch: Watch = { told: undefined, isWriting: false };
        this.#watches.set(call, watch);
        this.#places.add(call, address);
        call.once('cancelled', () => {
          this.#free(call);
        });
        this.#tell(call, watch);
      },
    };
  }

  #free(call: WatchCall): void {
    this.#watches.delete(call);
    this.#places.remove(call);
  }

  #refuse(call: WatchCall): void {
    this.#free(call);
    call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `More than ${WATCHES_MAX} watches.` });
  }

  /** Ends every watch, after NOT_SERVING was sent on each. */
  endWatches(): void {
    for (const call of this.#watches.keys()) {
      this.#free(call);
      call.emit('error', { code: status.UNAVAILABLE, details: 'This replica is shutting down.' });
    }
  }

  /** A watcher that reads slowly gets only the newest status when it reads again: nothing is queued for it. */
  #tell(call: WatchCall, watch: Watch): void {
    const now = this.status;
    if (watch.isWriting || watch.told === now || !this.#watches.has(call)) return;
    watch.isWriting = true;
    watch.told = now;
    call.write({ status: now }, () => {
      watch.isWriting = false;
      this.#tell(call, watch);
    });
  }
}
