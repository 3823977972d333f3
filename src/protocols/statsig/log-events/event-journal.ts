// Logs what becomes of log events: a line where something changed, throttled where strangers can cause it.
import type { Clock } from '../../../domain/clock.js';
import { maskSdkKey } from '../../../domain/sdk-key.js';
import type { Logger } from '../../../observability/logger.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import { RecentTrouble } from '../../../observability/recent-trouble.js';
import { ThrottledLine } from '../../../observability/throttled-line.js';
import type { DeliveryOutcome } from '../origin/event-origin.js';
import type { KeptBatch } from './batch.js';
import type { Death } from './dead-letters.js';
import type { UnreadReason } from './inspection/inspection.js';
import { AsideLane, type Lane } from './lane.js';
import type { QueueRoom } from './queue-room.js';

/** Anybody can send under any key until the origin refuses it: lines about keys are throttled. */
const LINE_PERIOD_MS = 10_000;
/** A single failure, mostly of a kept connection that just closed, is not logged. */
const FAILURES_TOLD_FROM = 2;

const LOG_EVENT_PATH = '/v1/log_event';

type LineName =
  | 'failing'
  | 'refused'
  | 'over'
  | 'full'
  | 'not-opened'
  | 'not-kept'
  | 'not-read'
  | 'aside'
  | 'buried'
  | 'letter-lost'
  | 'progress'
  | 'unreadable'
  | 'spooled'
  | 'not-moved'
  | UnreadReason
  | 'thread';

export class EventJournal {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #host: string;
  readonly #lines = new Map<LineName, ThrottledLine>();
  /** Batches that could not be written, and of known keys those that found no room, or were given up. */
  readonly troubles: Readonly<Record<'notWritten' | 'turnedAway' | 'givenUp', RecentTrouble>>;

  #sealed: { readonly files: number; readonly sinceMs: number } | undefined;

  /** `host`: the destination of log events, for log lines. */
  constructor(clock: Clock, log: Logger, events: ProxyEvents, host: string) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    this.troubles = {
      notWritten: new RecentTrouble(clock),
      turnedAway: new RecentTrouble(clock),
      givenUp: new RecentTrouble(clock),
    };
    this.#host = host;
  }

  /** Files whose data key is missing, since when by the wall clock; undefined where there are none. */
  get sealed(): { readonly files: number; readonly sinceMs: number } | undefined {
    return this.#sealed;
  }

  delivered(lane: Lane, outcome: DeliveryOutcome, latencyMs: number): void {
    const where = { sdkKey: maskSdkKey(lane.sdkKey), host: this.#host };
    switch (outcome.kind) {
      case 'taken':
      case 'rejected':
        this.#tellOver(lane, latencyMs);
        return;
      case 'refused':
        this.#tellOnce(lane, 'refused', (untold) => {
          const { status } = outcome;
          this.#log.warn(
            { ...where, status, untold },
            "origin refuses this key's log events: they wait and are retried less and less often",
          );
        });
        return;
      case 'failed': {
        // Broken off by our own shutdown, or the first of its kind, or of a batch that was logged when it stepped aside.
        if (outcome.reason === 'closed' || lane.failures < FAILURES_TOLD_FROM || lane instanceof AsideLane)
          return;
        const { reason, detail } = outcome;
        this.#tellOnce(lane, reason, (untold) => {
          this.#log.warn(
            { ...where, reason, detail, untold },
            'delivery of log events fails: they wait and are retried',
          );
        });
      }
    }
  }

  tookOver(batches: number, bytes: number): void {
    this.#log.info({ batches, bytes }, 'log events of an earlier run are being forwarded');
  }

  damaged(segment: string, records: number, tornBytes: number): void {
    this.#log.warn({ segment, records, tornBytes }, 'log-event file is damaged: its intact records are used');
  }

  /** `files` stay as they are: they are sealed with the data key that `error` names. 0 and undefined when there are none any more. */
  heldBack(files: number, error: unknown): void {
    if (files === 0) {
      this.#sealed = undefined;
      return;
    }
    this.#sealed = { files, sinceMs: this.#sealed?.sinceMs ?? this.#clock.nowMs() };
    this.#log.error({ err: error, files }, 'log-event files wait for their data key: they stay as they are');
  }

  full(sdkKey: string, room: QueueRoom): void {
    const { batches, bytes } = room;
    if (room.isKnown(sdkKey)) this.troubles.turnedAway.occurred();
    this.#tell('full', (untold) => {
      this.#log.warn(
        { sdkKey: maskSdkKey(sdkKey), batches, bytes, untold },
        'no room for this key in the log-event queue: SDKs are asked to retry',
      );
    });
  }

  notKept(sdkKey: string, error: unknown): void {
    this.troubles.notWritten.occurred();
    this.#tell('not-kept', (untold) => {
      this.#log.error(
        { err: error, sdkKey: maskSdkKey(sdkKey), untold },
        'log events cannot be written: SDKs are asked to retry',
      );
    });
  }

  notRead(lane: Lane, error: unknown): void {
    this.#tell('not-read', (untold) => {
      const sdkKey = maskSdkKey(lane.sdkKey);
      this.#log.error(
        { err: error, sdkKey, untold },
        'log events cannot be read back: they wait and are retried',
      );
    });
  }

  steppedAside(lane: AsideLane): void {
    const batchId = lane.first?.id;
    this.#tell('aside', (untold) => {
      this.#log.warn(
        { sdkKey: maskSdkKey(lane.sdkKey), batchId, untold },
        'a batch of log events keeps failing while later ones are accepted: they overtake it',
      );
    });
  }

  notOpened(error: unknown): void {
    this.#tell('not-opened', (untold) => {
      const consequence = 'SDKs are asked to retry until it can';
      this.#log.error({ err: error, untold }, `log-event folder cannot be used: ${consequence}`);
    });
  }

  notLocked(error: unknown): void {
    const advice = 'make sure that no other process uses it';
    this.#log.warn({ err: error }, `log-event folder cannot be locked: ${advice}`);
  }

  progressNotWritten(error: unknown): void {
    this.#tell('progress', (untold) => {
      const consequence = 'what was forwarded recently would be sent again after a restart';
      this.#log.error({ err: error, untold }, `progress of log events cannot be written: ${consequence}`);
    });
  }

  /** Of the fleet's queue: it stays there. */
  unreadable(shard: number, batchId: string, error: unknown): void {
    this.#tell('unreadable', (untold) => {
      const consequence = 'they wait for a replica that can read them';
      this.#log.error(
        { err: error, shard, batchId, untold },
        `log events in Redis cannot be read with this replica's key: ${consequence}`,
      );
    });
  }

  spooled(error: unknown): void {
    this.#tell('spooled', (untold) => {
      const consequence = 'they wait on disk until it does';
      this.#log.warn({ err: error, untold }, `Redis takes no log events: ${consequence}`);
    });
  }

  unspooled(batches: number): void {
    this.#log.info({ batches }, 'log events that waited on disk are in Redis');
  }

  notMoved(error: unknown): void {
    this.#tell('not-moved', (untold) => {
      this.#log.warn({ err: error, untold }, 'log events on disk cannot be moved into Redis yet');
    });
  }

  unread(sdkKey: string, reason: UnreadReason, coding: string): void {
    this.#tell(reason, (untold) => {
      this.#log.warn(
        { sdkKey: maskSdkKey(sdkKey), reason, coding: coding.slice(0, 32), untold },
        'forwarding log events uninspected',
      );
    });
  }

  threadBroke(error: unknown): void {
    this.#tell('thread', (untold) => {
      this.#log.error({ err: error, untold }, 'log-event inspection thread failed: a new one is started');
    });
  }

  deduplicated(sdkKey: string, events: number): void {
    this.#events.record('LogEventStoreDeduped', {
      path: LOG_EVENT_PATH,
      acceptEncoding: 'none',
      sdkKey,
      events,
    });
  }

  exposuresForgotten(forgotten: number): void {
    this.#events.record('LogEventStoreDedupeCacheCleared', { path: LOG_EVENT_PATH, forgotten });
  }

  buried(kept: KeptBatch, death: Death, room: QueueRoom): void {
    const { id: batchId, bytes } = kept;
    if (room.isKnown(kept.sdkKey)) this.troubles.givenUp.occurred();
    this.#tell('buried', (untold) => {
      this.#log.error(
        { sdkKey: maskSdkKey(kept.sdkKey), host: this.#host, batchId, bytes, ...death, untold },
        'log events are given up',
      );
    });
  }

  deathNotWritten(error: unknown): void {
    this.#tell('letter-lost', (untold) => {
      this.#log.error({ err: error, untold }, 'dead letter of log events could not be written');
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
      const { batches: waiting } = lane;
      const fields = { sdkKey: maskSdkKey(lane.sdkKey), host: this.#host, waiting, latencyMs, untold };
      this.#log.info(fields, 'delivery of log events works again');
    });
  }

  /** Logged for a key when it begins, and when the reason changes. */
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
