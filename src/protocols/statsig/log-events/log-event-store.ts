// The way of a batch: a place in the queue, inspection, keeping, and only then the answer; forwarding follows on its own.
import { randomUUID } from 'node:crypto';
import type { Cancel, Clock } from '../../../domain/clock.js';
import { atMost } from '../../../domain/deadline.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { EventOrigin } from '../origin/event-origin.js';
import { bytesOf, QueueFull, type Arrivals, type Batch, type BatchKeeper, type KeptBatch } from './batch.js';
import { UNREADABLE, type DeadLetters, type Death } from './dead-letters.js';
import { EventCounters } from './event-counters.js';
import { Forwarder } from './forwarder.js';
import type { EventJournal } from './event-journal.js';
import type { Inspection, Inspector } from './inspection/inspection.js';
import { QueueRoom, type QueueRoomOptions } from './queue-room.js';
import { isEmptied, whatGoesOn, type ReceivedBatch } from './received-batch.js';

export type Acceptance =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'too-large' }
  /** Too much waits for the origin. */
  | { readonly kind: 'full' }
  /** What should keep it did not. */
  | { readonly kind: 'not-kept' }
  | { readonly kind: 'stopping' };

/** Between attempts to open a place that is not available: a failing disk, a folder that another process still holds. */
const OPEN_AGAIN_MS = 5_000;
/** For the last writes: a hanging disk would keep the process from ending. */
const CLOSE_MS_MAX = 300;

export interface LogEventStoreParts {
  readonly keeper: BatchKeeper;
  readonly inspector: Inspector;
  readonly origin: EventOrigin;
  readonly deadLetters: DeadLetters;
  readonly journal: EventJournal;
  /** Whether the origin is known to take the key, though no log events of it were taken yet. */
  readonly isKnownKey: (sdkKey: string) => boolean;
}

export interface LogEventStoreOptions extends QueueRoomOptions {
  /** How long a stop waits for the queue to empty. */
  readonly flushMs: number;
}

export class LogEventStore {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #parts: LogEventStoreParts;
  readonly #options: LogEventStoreOptions;
  readonly #forwarder: Forwarder;
  readonly room: QueueRoom;
  readonly counters: EventCounters;
  /** By the monotonic clock; undefined once it is open. */
  #notOpenSinceMs: number | undefined;
  #isStopping = false;
  #cancelOpen: Cancel = () => undefined;
  #beingAccepted = 0;
  #whenIdle: () => void = () => undefined;

  constructor(clock: Clock, log: Logger, parts: LogEventStoreParts, options: LogEventStoreOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#parts = parts;
    this.#options = options;
    this.#notOpenSinceMs = clock.monotonicMs();
    this.room = new QueueRoom(options, parts.isKnownKey);
    this.counters = new EventCounters((sdkKey) => this.room.heldBy(sdkKey).batches > 0);
    this.#forwarder = new Forwarder(
      clock,
      log,
      parts.origin,
      {
        delivered: (lane, outcome, latencyMs) => {
          if (outcome.kind === 'taken') this.counters.count(lane.sdkKey, 'forwarded');
          if (outcome.kind === 'failed' || outcome.kind === 'refused') {
            this.counters.count(lane.sdkKey, 'retried');
          }
          parts.journal.delivered(lane, outcome, latencyMs);
        },
        notRead: (lane, error) => {
          parts.journal.notRead(lane, error);
        },
        steppedAside: (lane) => {
          parts.journal.steppedAside(lane);
        },
        left: () => {
          this.#tellIfIdle();
        },
        bury: (kept, batch, death) => this.#bury(kept, batch, death),
      },
      this.room,
    );
  }

  get forwarder(): Forwarder {
    return this.#forwarder;
  }

  /** False where the place that batches are kept in could not be opened yet: none is accepted then. */
  get isOpen(): boolean {
    return this.#notOpenSinceMs === undefined;
  }

  /** For how long that has been so; 0 where it is open. */
  get notOpenForMs(): number {
    const nowMs = this.#clock.monotonicMs();
    return nowMs - (this.#notOpenSinceMs ?? nowMs);
  }

  get isDurable(): boolean {
    return this.isOpen && this.#parts.keeper.isDurable;
  }

  get keeper(): BatchKeeper {
    return this.#parts.keeper;
  }

  get inspector(): Inspector {
    return this.#parts.inspector;
  }

  get sealed(): EventJournal['sealed'] {
    return this.#parts.journal.sealed;
  }

  get troubles(): EventJournal['troubles'] {
    return this.#parts.journal.troubles;
  }

  /**
   * Takes over what an earlier process left, and begins to forward it. Where nothing can be kept nothing is accepted, and
   * it is tried again. Never rejects.
   */
  async open(): Promise<void> {
    const { keeper, journal } = this.#parts;
    let left: readonly KeptBatch[];
    try {
      left = await keeper.open(this.#takeOver.bind(this), this.#arrivals());
    } catch (error) {
      journal.notOpened(error);
      if (this.#isStopping) return;
      this.#cancelOpen = this.#clock.schedule(OPEN_AGAIN_MS, () => {
        inBackground(this.open(), this.#log);
      });
      return;
    }
    this.#notOpenSinceMs = undefined;
    this.#takeOver(left);
  }

  #takeOver(left: readonly KeptBatch[]): void {
    if (left.length === 0) return;
    this.#addAll(left);
    this.#parts.journal.tookOver(
      left.length,
      left.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  /** Resolves with `accepted` once the batch is kept; never rejects. */
  async accept(received: ReceivedBatch): Promise<Acceptance> {
    if (this.#isStopping) return { kind: 'stopping' };
    const { sdkKey } = received;
    const bytes = bytesOf(received);
    if (!this.isOpen) {
      this.counters.count(sdkKey, 'turnedAway');
      return { kind: 'not-kept' };
    }
    if (!this.#parts.keeper.isShared && !this.#takePlace(received, bytes)) return this.#full(sdkKey);
    this.#beingAccepted += 1;
    const { acceptance, kept } = await this.#inspectAndKeep(received);
    this.#beingAccepted -= 1;
    if (kept === undefined) this.room.leave(received);
    else {
      this.room.replace(received, kept, kept.bytes);
      this.#forwarder.add(kept);
    }
    if (acceptance.kind === 'accepted') this.counters.count(sdkKey, 'accepted');
    if (acceptance.kind === 'not-kept') this.counters.count(sdkKey, 'turnedAway');
    this.#tellIfIdle();
    return acceptance.kind === 'full' ? this.#full(sdkKey) : acceptance;
  }

  /** Accepts nothing more, and resolves when nothing waits any more, or the time for that is over. */
  async flush(): Promise<void> {
    this.#isStopping = true;
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      this.#tellIfIdle();
    });
    const left = Promise.all([this.#parts.keeper.handOver(), idle]);
    await atMost(
      this.#clock,
      this.#options.flushMs,
      left.then(() => undefined),
    );
  }

  /** Breaks off what is in flight; says what is left, and whether the next start will find it. Waits for no disk that hangs. */
  async close(): Promise<void> {
    this.#isStopping = true;
    this.#cancelOpen();
    this.#forwarder.stop();
    const { origin, inspector, keeper, deadLetters, journal } = this.#parts;
    await origin.close();
    const cancelWord = this.#clock.schedule(CLOSE_MS_MAX, () => {
      journal.progressNotWritten(new Error(`the disk gave no answer within ${CLOSE_MS_MAX} ms`));
    });
    const written = Promise.all([inspector.close(), deadLetters.close()]).then(() => keeper.close());
    await atMost(this.#clock, CLOSE_MS_MAX, written.finally(cancelWord));
    if (this.room.batches > 0 && !keeper.isShared) {
      journal.leftBehind(this.room.batches, this.room.bytes, keeper.isDurable);
    }
  }

  /** What comes to be sent from here without having been accepted here, at least not in this run. */
  #arrivals(): Arrivals {
    return {
      add: (batches) => {
        this.#addAll(batches);
      },
      withdraw: (isOne) => this.#forwarder.withdraw(isOne),
      bury: (kept) => this.#bury(kept, undefined, UNREADABLE),
      isKnown: (sdkKey) => this.room.isKnown(sdkKey),
    };
  }

  #addAll(batches: readonly KeptBatch[]): void {
    for (const batch of batches) {
      this.room.enter(batch, batch.bytes);
      this.#forwarder.add(batch);
    }
  }

  #full(sdkKey: string): Acceptance {
    this.counters.count(sdkKey, 'turnedAway');
    this.#parts.journal.full(sdkKey, this.room);
    return { kind: 'full' };
  }

  /** A key with nothing waiting gets the place of a stranger that the origin refuses. */
  #takePlace(received: ReceivedBatch, bytes: number): boolean {
    while (!this.room.tryEnter(received, bytes)) {
      const isFirst = this.room.heldBy(received.sdkKey).batches === 0;
      if (!isFirst || !this.#forwarder.giveUpStranger()) return false;
    }
    return true;
  }

  /** `kept` is undefined where nothing is left to be sent, or the batch is not accepted. */
  async #inspectAndKeep(
    received: ReceivedBatch,
  ): Promise<{ readonly acceptance: Acceptance; readonly kept?: KeptBatch | undefined }> {
    const { inspector, keeper, journal } = this.#parts;
    const { inspection, settle } = await inspector.inspect(received);
    if (inspection.kind === 'invalid' || inspection.kind === 'too-large') return { acceptance: inspection };
    if (inspection.kind === 'unread') journal.unread(received.sdkKey, inspection.reason, received.coding);
    if (isEmptied(inspection)) {
      settle(true);
      this.#countDropped(received.sdkKey, inspection);
      return { acceptance: { kind: 'accepted' } };
    }
    try {
      const marks = { id: randomUUID(), acceptedAtMs: this.#clock.nowMs() };
      const kept = await keeper.keep({ ...marks, ...whatGoesOn(received, inspection) });
      settle(true);
      this.#countDropped(received.sdkKey, inspection);
      return { acceptance: { kind: 'accepted' }, kept };
    } catch (error) {
      settle(false);
      if (error instanceof QueueFull) {
        // There is room where the queue is when the SDK tries again.
        if (error.isFirst) this.#forwarder.giveUpStranger();
        return { acceptance: { kind: 'full' } };
      }
      journal.notKept(received.sdkKey, error);
      return { acceptance: { kind: 'not-kept' } };
    }
  }

  #countDropped(sdkKey: string, inspection: Inspection): void {
    if (inspection.kind !== 'batch' || inspection.dropped === 0) return;
    this.counters.count(sdkKey, 'deduplicated', inspection.dropped);
    this.#parts.journal.deduplicated(sdkKey, inspection.dropped);
  }

  async #bury(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void> {
    this.counters.count(kept.sdkKey, 'dead');
    this.#parts.journal.buried(kept, death, this.room);
    await this.#parts.deadLetters.add(kept, batch, death);
    kept.forget();
  }

  #tellIfIdle(): void {
    if (this.#isStopping && this.room.batches === 0 && this.#beingAccepted === 0) this.#whenIdle();
  }
}
