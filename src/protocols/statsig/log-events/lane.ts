// One SDK key's batches in their order, which of them goes next, and how the origin received the last one sent.
import type { Cancel } from '../../../domain/clock.js';
import type { KeptBatch } from './batch.js';

/** After so many failures of the first batch in a row that may be its own fault, a later one is tried too. */
const TRIAL_FROM_FAILURES = 5;

export interface Turn {
  readonly kept: KeptBatch;
  /** How long it has to wait. */
  readonly inMs: number;
}

export class Lane {
  readonly sdkKey: string;
  #waiting: KeptBatch[] = [];
  /** Deliveries in a row that failed. */
  failures = 0;
  /** Why the last one failed; undefined after one that did not. */
  reason: string | undefined;
  /** What was logged of it: a reason, or `refused`; undefined where all is well. */
  told: string | undefined;
  /** The origin answered 401 or 403. */
  isRefused = false;
  /** How often, since it was last taken or rejected; what failed in between does not count. */
  refusals = 0;
  /** When the first of these came, by a clock that never goes back. */
  refusedSinceMs = 0;
  /** When the first answer came that says "never", but may not be the origin's; undefined after any other answer. */
  doubtedSinceMs: number | undefined;
  /** A batch is on its way, or in line for that. */
  isBusy = false;
  /** A batch is on its way. */
  isSending = false;
  /** Ends the wait for the next try. */
  cancelWait: Cancel = () => undefined;
  /** Lanes of batches that left this one, as they kept failing. */
  readonly aside = new Set<AsideLane>();
  /** Batches that the origin took. */
  taken = 0;
  /** Failures in a row of the first batch. */
  firstFailures = 0;
  /** Those of them that may be its own fault. */
  #firstFaults = 0;
  /** Later batches that failed while the first one waited. */
  readonly #failedTrials = new Set<KeptBatch>();
  #isTrialDue = false;
  /** The first batch waits until then, by a clock that never goes back. */
  #dueMs = -Infinity;

  constructor(sdkKey: string) {
    this.sdkKey = sdkKey;
  }

  get first(): KeptBatch | undefined {
    return this.#waiting[0];
  }

  get batches(): number {
    return this.#waiting.length;
  }

  /** When the oldest was accepted, by the wall clock; undefined where nothing waits. */
  get oldestAcceptedAtMs(): number | undefined {
    const aside = [...this.aside].map((lane) => lane.first);
    const times = [this.first, ...aside].flatMap((batch) => batch?.acceptedAtMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Undefined where nothing waits. */
  next(nowMs: number): Turn | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    const inMs = Math.max(0, this.#dueMs - nowMs);
    const trial = inMs > 0 && this.#isTrialDue ? this.#trial() : undefined;
    return trial === undefined ? { kept: first, inMs } : { kept: trial, inMs: 0 };
  }

  push(batch: KeptBatch): void {
    this.#waiting.push(batch);
  }

  remove(batch: KeptBatch): void {
    const index = this.#waiting.indexOf(batch);
    if (index < 0) return;
    if (index === 0) this.#startOver();
    this.#waiting.splice(index, 1);
    this.#failedTrials.delete(batch);
  }

  /** Takes out those that are not to be sent from here any more. */
  withdraw(isOne: (kept: KeptBatch) => boolean): readonly KeptBatch[] {
    const [first] = this.#waiting;
    const withdrawn = this.#waiting.filter(isOne);
    const left = this.#waiting.filter((batch) => !isOne(batch));
    this.#waiting = left;
    for (const batch of withdrawn) this.#failedTrials.delete(batch);
    if (this.#waiting[0] !== first) {
      this.#startOver();
      this.endWait();
    }
    return withdrawn;
  }

  /** The origin decided about a batch. */
  answered(isTaken: boolean): void {
    this.failures = 0;
    this.reason = undefined;
    if (isTaken) this.taken += 1;
  }

  failed(batch: KeptBatch, reason: string | undefined): void {
    this.failures += 1;
    this.reason = reason;
    if (batch === this.first) this.firstFailures += 1;
    else this.#failedTrials.add(batch);
  }

  /**
   * No batch goes before `untilMs`, but for a trial of a later one, one for each failure of the first. `mayTry`: a later one
   * might fare better, as the failure may be this batch's own fault.
   */
  wait(batch: KeptBatch, untilMs: number, mayTry: boolean): void {
    this.#dueMs = Math.max(this.#dueMs, untilMs);
    const isFirstAtFault = mayTry && batch === this.first;
    if (isFirstAtFault) this.#firstFaults += 1;
    this.#isTrialDue = isFirstAtFault && this.#firstFaults >= TRIAL_FROM_FAILURES;
  }

  endWait(): void {
    this.#dueMs = -Infinity;
  }

  #startOver(): void {
    this.firstFailures = 0;
    this.#firstFaults = 0;
  }

  /** One that did not fail yet, so that several bad ones in a row do not hold up those that follow. */
  #trial(): KeptBatch | undefined {
    const [first, second] = this.#waiting;
    return this.#waiting.find((batch) => batch !== first && !this.#failedTrials.has(batch)) ?? second;
  }
}

/** The lane of one batch that leaves another lane, as it kept failing while a later one was taken: it keeps back no others. */
export class AsideLane extends Lane {
  readonly main: Lane;
  readonly sinceMs: number;
  #takenBefore: number;
  /** Failures before which another batch of the key was taken, one each. */
  failuresAlone = 0;

  constructor(main: Lane, batch: KeptBatch, nowMs: number) {
    super(main.sdkKey);
    this.main = main;
    this.sinceMs = nowMs;
    this.firstFailures = main.firstFailures;
    this.#takenBefore = main.taken;
    this.push(batch);
    main.remove(batch);
    main.aside.add(this);
  }

  override failed(batch: KeptBatch, reason: string | undefined): void {
    super.failed(batch, reason);
    if (this.main.taken > this.#takenBefore) this.failuresAlone += 1;
    this.#takenBefore = this.main.taken;
  }
}
