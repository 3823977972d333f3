// Keeps a batch in time or not at all: an SDK that gets no answer sends again, and the batch would be accepted twice.
import type { Cancel, Clock } from '../../../domain/clock.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { Batch, KeptBatch, LocalKeeper } from './batch.js';

/** Beside the time of a look into the batch: SDKs wait 10 s for an answer and more. */
const KEEP_MS_MAX = 5_000;

export class TimelyKeeper implements LocalKeeper {
  readonly isShared = false;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #keeper: LocalKeeper;
  /** Batches that the keeper was given up on, and has not answered for yet. */
  #late = 0;

  constructor(clock: Clock, log: Logger, keeper: LocalKeeper) {
    this.#clock = clock;
    this.#log = log;
    this.#keeper = keeper;
  }

  get isDurable(): boolean {
    return this.#keeper.isDurable;
  }

  open(found: (batches: readonly KeptBatch[]) => void): Promise<readonly KeptBatch[]> {
    return this.#keeper.open(found);
  }

  /** Rejects at once while others are late: what hangs is not to be given ever more. */
  async keep(batch: Batch): Promise<KeptBatch> {
    if (this.#late > 0) throw tooLate();
    const keeping = this.#keeper.keep(batch);
    let cancel: Cancel = () => undefined;
    const overdue = new Promise<never>((_resolve, reject) => {
      cancel = this.#clock.schedule(KEEP_MS_MAX, () => {
        inBackground(this.#letGo(keeping), this.#log);
        reject(tooLate());
      });
    });
    return await Promise.race([keeping, overdue]).finally(cancel);
  }

  /** What is kept after all is not sent: its SDK was asked to retry. */
  async #letGo(keeping: Promise<KeptBatch>): Promise<void> {
    this.#late += 1;
    const [kept] = await Promise.allSettled([keeping]);
    this.#late -= 1;
    if (kept.status === 'fulfilled') kept.value.forget();
  }

  handOver(): Promise<void> {
    return this.#keeper.handOver();
  }

  close(): Promise<void> {
    return this.#keeper.close();
  }
}

function tooLate(): Error {
  return new Error(`the batch was not stored within ${KEEP_MS_MAX} ms`);
}
