// Which files fail: remembered for a moment to spare the origin, and logged once when it begins and once when it ends.
import { ExpiringMemory } from '../../../core/expiring-memory.js';
import type { Clock } from '../../../domain/clock.js';
import type { Gauge } from '../../../observability/gauges.js';
import type { Logger } from '../../../observability/logger.js';
import type { FailedReading } from './file-reading.js';
import type { IdListFile } from './id-list-file.js';

/** Many clients that want the same file at once must not become as many requests to its origin. */
const REMEMBERED_MS = 1_000;
/** How long the origin is taken to have no more than it had: a file grows about once a minute. */
const SIZE_REMEMBERED_MS = 100;
/** A file that was not requested for this long is forgotten, whether it works again or not. */
const FAILING_MS_MAX = 600_000;
/** One that fails and works by turns is logged this often at most. */
const LOGGED_EVERY_MS = 60_000;
const FILES_MAX = 10_000;
const SHOWN_CHARACTERS = 8;

export class FileHealth {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #remembered: ExpiringMemory<{ readonly failure: FailedReading; readonly bytesMin: number }>;
  readonly #failing: ExpiringMemory<{ readonly isLogged: boolean }>;
  readonly #logged: ExpiringMemory<object>;
  readonly #failures = new Map<string, number>();
  /** By then all files that fail now are forgotten unless they are requested: the table itself drops only what is looked up. */
  #failingUntilMs = 0;
  #failingSinceMs = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    this.#remembered = new ExpiringMemory(clock, FILES_MAX);
    this.#failing = new ExpiringMemory(clock, FILES_MAX);
    this.#logged = new ExpiringMemory(clock, FILES_MAX);
  }

  worked(file: IdListFile): void {
    const { name } = file;
    this.#remembered.forget(name);
    const failing = this.#failing.recall(name);
    this.#failing.forget(name);
    if (failing?.value.isLogged !== true) return;
    this.#log.info(logFields(file), 'ID list file works again');
  }

  /** `bytesMin`: how many bytes were wanted. */
  failed(file: IdListFile, failure: FailedReading, bytesMin: number): void {
    const { name } = file;
    this.#remembered.remember(name, { failure, bytesMin }, REMEMBERED_MS);
    this.#failures.set(failure.reason, (this.#failures.get(failure.reason) ?? 0) + 1);
    const wasLogged = this.#failing.recall(name)?.value.isLogged === true;
    const isToBeLogged = !wasLogged && this.#logged.recall(name) === undefined;
    const nowMs = this.#clock.monotonicMs();
    if (this.areAllWell) this.#failingSinceMs = nowMs;
    this.#failing.remember(name, { isLogged: wasLogged || isToBeLogged }, FAILING_MS_MAX);
    this.#failingUntilMs = nowMs + FAILING_MS_MAX;
    if (!isToBeLogged) return;
    this.#logged.remember(name, {}, LOGGED_EVERY_MS);
    const { reason, detail } = failure;
    this.#log.warn({ ...logFields(file), reason, detail }, FAILING);
  }

  /**
   * The failure of a moment ago: the origin is not to be asked for so many bytes of the file now. That it had fewer than
   * a client wanted says little about smaller wishes, as a client can name any number, and another one each time: what the
   * origin had counts as all there is for a shorter while.
   */
  recall({ name }: IdListFile, bytesMin: number): FailedReading | undefined {
    const remembered = this.#remembered.recall(name);
    if (remembered === undefined) return undefined;
    const { failure, bytesMin: wantedBytes } = remembered.value;
    const isForAll = failure.originBytes === undefined || bytesMin >= wantedBytes;
    if (isForAll) return failure;
    const isFresh = REMEMBERED_MS - remembered.leftMs < SIZE_REMEMBERED_MS;
    return isFresh && bytesMin > failure.originBytes ? failure : undefined;
  }

  /** None fails; where this is false, one may work again. */
  get areAllWell(): boolean {
    return this.#failing.entries === 0 || this.#clock.monotonicMs() >= this.#failingUntilMs;
  }

  /** How many files fail, and for how long there have been any; undefined where none does. */
  get failing(): { readonly files: number; readonly forMs: number } | undefined {
    if (this.areAllWell) return undefined;
    return { files: this.#failing.entries, forMs: this.#clock.monotonicMs() - this.#failingSinceMs };
  }

  /** It failed when it was fetched last. */
  isFailing({ name }: IdListFile): boolean {
    return this.#failing.recall(name) !== undefined;
  }

  get gauge(): Gauge {
    return { entries: this.#remembered.entries, entriesMax: this.#remembered.entriesMax };
  }

  /** Failures so far, by reason. */
  get failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#failures);
  }
}

/** Only the host of its URL: the rest may hold a signature. */
function logFields({ name, url }: IdListFile): { readonly file: string; readonly host: string } {
  return { file: name.slice(0, SHOWN_CHARACTERS), host: new URL(url).host };
}

const FAILING =
  'ID list file fails: clients that need more than the local copy has are disconnected, and try again';
