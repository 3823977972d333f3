// Files that change while the process runs, as Secrets in Kubernetes do: what is new in them is taken over without a restart.
import type { Cancel, Clock } from '../domain/clock.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import { fileFault, readSmallFile } from './small-file.js';

export interface FollowedFile {
  /** What log lines call it. */
  readonly name: string;
  /** More than one where they only make sense together, such as a certificate and its key. */
  readonly paths: readonly string[];
  /** What is in use from the start, in the order of `paths`. */
  readonly texts: readonly string[];
  /** Puts new contents to use, or changes nothing and says what is wrong with them. Must not throw. */
  readonly takeOver: (texts: readonly string[]) => TakenOver;
}

/** `texts` are complete where there are no faults. */
interface Found {
  readonly texts: readonly string[];
  readonly faults: readonly string[];
}

export interface TakenOver {
  /** Empty where the new contents are in use. */
  readonly faults: readonly string[];
  /** Fields of the log line. */
  readonly facts?: object;
}

/**
 * Contents count once two looks in a row have found the same, so that a file that is missing for a moment, or half written,
 * is neither taken over nor reported. With the time a look takes, a change is in use within 5 s.
 */
export const LOOK_EVERY_MS = 2_000;

export interface FailingFile {
  readonly name: string;
  readonly faults: readonly string[];
  /** By the wall clock. */
  readonly sinceMs: number;
}

/**
 * Reads all files again every two seconds: a look follows symbolic links that move and files that are replaced, which events
 * of the file system do not, on network volumes least of all. Looks run one after another, and their files too: a file system
 * that hangs holds one of Node's threads, not all of them.
 */
export class FileFollower {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #states: readonly FileState[];
  #isLooking = false;
  #isAsked = false;
  #isStopped = false;
  #cancelLook: Cancel = () => undefined;

  constructor(clock: Clock, log: Logger, files: readonly FollowedFile[]) {
    this.#clock = clock;
    this.#log = log;
    this.#states = files.map((file) => new FileState(clock, log, file));
  }

  /** Files whose contents were not taken over, for as long as they are as they are. */
  get failing(): readonly FailingFile[] {
    return this.#states.filter(({ faults }) => faults.length > 0);
  }

  start(): void {
    if (this.#states.length > 0) this.#lookLater();
  }

  /** Takes every file over at once, changed or not, and reports on each. */
  readNow(): void {
    this.#isAsked = true;
    this.#cancelLook();
    if (!this.#isLooking && !this.#isStopped) inBackground(this.#look(), this.#log);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelLook();
  }

  #lookLater(): void {
    this.#cancelLook = this.#clock.schedule(LOOK_EVERY_MS, () => {
      inBackground(this.#look(), this.#log);
    });
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const isAsked = this.#takeAsked();
    try {
      for (const state of this.#states) await state.look(isAsked, () => this.#isStopped);
    } finally {
      this.#isLooking = false;
      if (this.#isAsked) this.readNow();
      else if (!this.#isStopped) this.#lookLater();
    }
  }

  #takeAsked(): boolean {
    const isAsked = this.#isAsked;
    this.#isAsked = false;
    return isAsked;
  }
}

class FileState implements FailingFile {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #file: FollowedFile;
  faults: readonly string[] = [];
  sinceMs = 0;
  /** What the last look found, and what was taken over or reported last. */
  #seen: string;
  #settled: string;

  constructor(clock: Clock, log: Logger, file: FollowedFile) {
    this.#clock = clock;
    this.#log = log;
    this.#file = file;
    const found: Found = { texts: file.texts, faults: [] };
    this.#settled = JSON.stringify(found);
    this.#seen = this.#settled;
  }

  get name(): string {
    return this.#file.name;
  }

  /** `isOver`: whether nobody is there any more who would use what is found. */
  async look(isAsked: boolean, isOver: () => boolean): Promise<void> {
    const { name, takeOver } = this.#file;
    const found = await this.#read();
    if (isOver()) return;
    const finding = JSON.stringify(found);
    const isSteady = finding === this.#seen;
    this.#seen = finding;
    if (!isAsked && (!isSteady || finding === this.#settled)) return;
    this.#settled = finding;
    const { faults, facts }: TakenOver = found.faults.length > 0 ? found : takeOver(found.texts);
    if (this.faults.length === 0) this.sinceMs = this.#clock.nowMs();
    this.faults = faults;
    if (faults.length === 0) this.#log.info({ ...facts }, `${name} read again`);
    else this.#log.error({ faults }, `${name} not taken over: its earlier contents stay in use`);
  }

  async #read(): Promise<Found> {
    const texts: string[] = [];
    const faults: string[] = [];
    for (const path of this.#file.paths) {
      try {
        texts.push(await readSmallFile(path));
      } catch (error) {
        faults.push(fileFault(path, error));
      }
    }
    return { texts, faults };
  }
}
