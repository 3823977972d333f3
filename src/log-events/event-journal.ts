// Tells people what becomes of log events: a line where something changed, throttled where strangers can cause it.
import type { Clock } from '../domain/clock.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Logger } from '../observability/logger.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import type { DeliveryOutcome } from '../sources/event-origin.js';
import type { KeptBatch } from './batch.js';
import type { Death } from './dead-letters.js';
import type { UnreadReason } from './inspection/inspection.js';
import type { Lane } from './lane.js';
import type { QueueRoom } from './queue-room.js';

/** Keys of log events are nobody's until the origin says so: whatever is logged of one is bounded. */
const LINE_PERIOD_MS = 10_000;
/** A single failure, mostly a kept connection that just closed, is no news. */
const FAILURES_TOLD_FROM = 2;

export const LOG_EVENT_PATH = '/v1/log_event';

type LineName =
  | 'failing'
  | 'refused'
  | 'over'
  | 'full'
  | 'not-opened'
  | 'not-kept'
  | 'not-read'
  | 'buried'
  | 'letter-lost'
  | 'progress'
  | UnreadReason
  | 'thread';

export class EventJournal {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #lines = new Map<LineName, ThrottledLine>();

  constructor(clock: Clock, log: Logger, events: ProxyEvents) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
  }

  delivered(lane: Lane, outcome: DeliveryOutcome, latencyMs: number): void {
    const sdkKey = maskSdkKey(lane.sdkKey);
    switch (outcome.kind) {
      case 'taken':
      case 'rejected':
        this.#tellOver(lane, latencyMs);
        return;
      case 'refused':
        this.#tellOnce(lane, 'refused', (untold) => {
          const { status } = outcome;
          this.#log.warn(
            { sdkKey, status, untold },
            'origin refuses the key of log events: they wait, tried again every 30 s',
          );
        });
        return;
      case 'failed': {
        // Broken off by our own shutdown, or the first of its kind.
        if (outcome.reason === 'closed' || lane.failures < FAILURES_TOLD_FROM) return;
        const { reason, detail } = outcome;
        this.#tellOnce(lane, reason, (untold) => {
          this.#log.warn({ sdkKey, reason, detail, untold }, 'origin takes no log events: they wait');
        });
      }
    }
  }

  tookOver(batches: number, bytes: number): void {
    this.#log.info({ batches, bytes }, 'log events of an earlier run are forwarded first');
  }

  damaged(segment: string, records: number, tornBytes: number): void {
    this.#log.warn(
      { segment, records, tornBytes },
      'a file of log events is damaged: the rest of it is used',
    );
  }

  full(sdkKey: string, room: QueueRoom): void {
    const { batches, bytes } = room;
    this.#tell('full', (untold) => {
      this.#log.warn(
        { sdkKey: maskSdkKey(sdkKey), batches, bytes, untold },
        'no room for log events: SDKs are told to try again',
      );
    });
  }

  notKept(sdkKey: string, error: unknown): void {
    this.#tell('not-kept', (untold) => {
      this.#log.error(
        { err: error, sdkKey: maskSdkKey(sdkKey), untold },
        'log events cannot be written: SDKs are told to try again',
      );
    });
  }

  notRead(lane: Lane, error: unknown): void {
    this.#tell('not-read', (untold) => {
      const sdkKey = maskSdkKey(lane.sdkKey);
      this.#log.error({ err: error, sdkKey, untold }, 'log events cannot be read back: they wait');
    });
  }

  notOpened(error: unknown): void {
    this.#tell('not-opened', (untold) => {
      const consequence = 'SDKs are told to try again until it can';
      this.#log.error({ err: error, untold }, `the folder of log events cannot be used: ${consequence}`);
    });
  }

  notLocked(error: unknown): void {
    const advice = 'see that no other process uses it';
    this.#log.warn({ err: error }, `the folder of log events cannot be locked: ${advice}`);
  }

  progressNotWritten(error: unknown): void {
    this.#tell('progress', (untold) => {
      const consequence = 'what was forwarded lately would be sent again after a restart';
      this.#log.error({ err: error, untold }, `log events cannot be tidied up: ${consequence}`);
    });
  }

  unread(sdkKey: string, reason: UnreadReason, coding: string): void {
    this.#tell(reason, (untold) => {
      this.#log.warn(
        { sdkKey: maskSdkKey(sdkKey), reason, coding: coding.slice(0, 32), untold },
        'log events are passed on without a look into them',
      );
    });
  }

  threadBroke(error: unknown): void {
    this.#tell('thread', (untold) => {
      this.#log.error(
        { err: error, untold },
        'the thread that looks into log events broke: a new one takes over',
      );
    });
  }

  deduplicated(sdkKey: string, events: number): void {
    if (!this.#events.isWatched) return;
    this.#events.record('LogEventStoreDeduped', {
      path: LOG_EVENT_PATH,
      sdkKey: maskSdkKey(sdkKey),
      events,
    });
  }

  exposuresForgotten(events: number): void {
    if (this.#events.isWatched) {
      this.#events.record('LogEventStoreDedupeCacheCleared', { path: LOG_EVENT_PATH, events });
    }
  }

  buried(kept: KeptBatch, death: Death): void {
    const { id: batchId, bytes } = kept;
    this.#tell('buried', (untold) => {
      this.#log.error(
        { sdkKey: maskSdkKey(kept.sdkKey), batchId, bytes, ...death, untold },
        'log events are given up',
      );
    });
  }

  deathNotWritten(error: unknown): void {
    this.#tell('letter-lost', (untold) => {
      this.#log.error({ err: error, untold }, 'log events that were given up could not be filed');
    });
  }

  leftBehind(batches: number, bytes: number, isDurable: boolean): void {
    if (isDurable) this.#log.info({ batches, bytes }, 'log events stay on disk for the next start');
    else this.#log.error({ batches, bytes }, 'log events are lost: they waited in memory');
  }

  #tellOver(lane: Lane, latencyMs: number): void {
    if (lane.told === undefined) return;
    lane.told = undefined;
    this.#tell('over', (untold) => {
      const fields = { sdkKey: maskSdkKey(lane.sdkKey), waiting: lane.batches, latencyMs, untold };
      this.#log.info(fields, 'origin takes log events again');
    });
  }

  /** Told of a key when it begins, and when the reason changes. */
  #tellOnce(lane: Lane, reason: string, write: (untold: number) => void): void {
    if (lane.told === reason) return;
    lane.told = reason;
    this.#tell(reason === 'refused' ? 'refused' : 'failing', write);
  }

  #tell(name: LineName, write: (untold: number) => void): void {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new ThrottledLine(this.#clock, LINE_PERIOD_MS);
      this.#lines.set(name, line);
    }
    line.tell(write);
  }
}
