// Files of ID lists from local copies: a copy that is long enough is read, a shorter one is first grown from the origin.
import type { Clock } from '../../../domain/clock.js';
import type { Gauges } from '../../../observability/gauges.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { IdListFileOrigin } from '../origin/id-list-file-origin.js';
import { CopyFault } from './copy-fault.js';
import type { CopyPlace } from './copy-place.js';
import { CopyTable, type CopyTableOptions } from './copy-table.js';
import { FetchTurns } from './fetch-turns.js';
import { FileBody } from './file-body.js';
import { FileHealth } from './file-health.js';
import { failedReading, type FailedReading, type FileReading, type FileWish } from './file-reading.js';
import { fillCopy, type Filled } from './fill-copy.js';
import type { IdListFile } from './id-list-file.js';
import { streamFile, type StreamedFile, type StreamOutcome } from './stream-file.js';

/** Files passed on without a copy: each has a connection of its own to the origin, as long as its client reads. */
const STREAMS_MAX = 16;
/** A stream whose client took longer gives way when all places are taken, so that slow clients do not block others. */
const STREAM_MS_MIN = 60_000;

/** A copy that is being read does not leave: nobody keeps it longer than the origin may take for a file. */
const READING_MS_MAX = 30 * 60_000;

export type IdListFilesOptions = CopyTableOptions;

/** How a fetch of a file ended. `no_room`: for a copy of all of it. */
export type FileFetchEnd = 'copied' | 'no_room' | 'passed_through' | 'failed';

const FETCH_ENDS: Readonly<Record<(Filled | StreamOutcome)['kind'], FileFetchEnd>> = {
  filled: 'copied',
  'no-room': 'no_room',
  streamed: 'passed_through',
  'past-end': 'passed_through',
  failed: 'failed',
};

export class IdListFiles {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #origin: IdListFileOrigin;
  readonly #copies: CopyTable;
  readonly #health: FileHealth;
  readonly #turns: FetchTurns;
  /** One fetch for a file at a time, for all clients that wait. */
  readonly #flights = new Map<string, Promise<Filled>>();
  /** When each began, the oldest first. */
  readonly #streams = new Map<StreamedFile, number>();
  #isClosed = false;
  #hits = 0;
  #fetches = 0;
  #streamed = 0;
  #streamsTurnedAway = 0;
  readonly #ended: Record<FileFetchEnd, number> = { copied: 0, no_room: 0, passed_through: 0, failed: 0 };

  constructor(
    clock: Clock,
    log: Logger,
    origin: IdListFileOrigin,
    place: CopyPlace,
    options: IdListFilesOptions,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#origin = origin;
    this.#copies = new CopyTable(place, options);
    this.#health = new FileHealth(clock, log);
    this.#turns = new FetchTurns(clock);
  }

  /** Takes over what an earlier process left. Never rejects. */
  async open(): Promise<void> {
    await this.#copies.open();
  }

  /** The file's bytes from `fromByte` on, once at least `bytesMin` of it are there. Never rejects. */
  async read(file: IdListFile, wish: FileWish): Promise<FileReading> {
    if (this.#isTooLarge(wish.bytesMin)) return await this.#stream(file, wish);
    const held = await this.#readCopy(file, wish);
    if (held !== undefined) {
      this.#hits += 1;
      return held;
    }
    let filled = await this.#flights.get(file.name);
    // That one may have begun before this much was promised; another that is there now began after.
    if (filled?.kind !== 'no-room' && !this.#hasCopy(file, wish.bytesMin)) {
      filled = await this.#fill(file, wish.bytesMin);
    }
    const grown = await this.#readCopy(file, wish);
    if (grown !== undefined) return grown;
    return filled?.kind === 'failed' ? filled : await this.#stream(file, wish);
  }

  /** The manifest promises so many bytes now: a copy that is held is grown in the background; no new one is made. */
  grow(file: IdListFile, bytesMin: number): void {
    const copy = this.#copies.peek(file.name);
    if (copy === undefined || this.#isTooLarge(bytesMin)) return;
    if (copy.bytes.length >= bytesMin) copy.wasComplete(bytesMin);
    // Clients that ask for manifests must not wait for a slow origin.
    else if (!this.#flights.has(file.name)) inBackground(this.#fill(file, bytesMin), this.#log);
  }

  /**
   * How many of the bytes that a manifest promises can be had: fewer where the file fails and its copy lags. Then the
   * file is asked for again: clients that are promised no more than there is do not.
   */
  promisable(file: IdListFile, bytes: number): number {
    const copy = this.#copies.peek(file.name);
    const isBehind = copy !== undefined && copy.bytes.length < bytes && !this.#isTooLarge(bytes);
    if (!isBehind || !this.#health.isFailing(file)) return bytes;
    this.grow(file, bytes);
    return copy.completeBytes ?? bytes;
  }

  /** No file is known to fail: all that manifests promise can be promised on. */
  get areAllWell(): boolean {
    return this.#health.areAllWell;
  }

  get failing(): FileHealth['failing'] {
    return this.#health.failing;
  }

  /** Sizes of the tables, against their limits; the first one in bytes. */
  get gauges(): Gauges {
    const { bytes, bytesMax, copies, copiesMax } = this.#copies;
    return {
      idListFileBytes: { entries: bytes, entriesMax: bytesMax },
      idListFileCopies: { entries: copies, entriesMax: copiesMax },
      ...this.#turns.gauges,
      idListStreamsInFlight: {
        entries: this.#streams.size,
        entriesMax: STREAMS_MAX,
        reached: this.#streamsTurnedAway,
      },
      idListFailuresRemembered: this.#health.gauge,
    };
  }

  /** Fetches since the start that have ended; those that a stop broke off are left out. */
  get fetchesEnded(): Readonly<Record<FileFetchEnd, number>> {
    return this.#ended;
  }

  /** Readings answered from a copy, since the start. */
  get hits(): number {
    return this.#hits;
  }

  /** Kept in copies. */
  get copyBytes(): number {
    return this.#copies.bytes;
  }

  /** For the status page: counted since the start. */
  describe(): object {
    const { bytes, bytesMax, copies, evictions } = this.#copies;
    return {
      copies,
      bytes,
      bytesMax,
      evictions,
      hits: this.#hits,
      fetches: this.#fetches,
      streamedThrough: this.#streamed,
      turnedAway: this.#turns.turnedAway + this.#streamsTurnedAway,
      failures: this.#health.failures,
    };
  }

  /** Breaks off what is fetched, the origin's connections included. What is read from copies may fail from now on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#origin.close();
    await Promise.all(this.#flights.values());
    await this.#copies.close();
  }

  #isTooLarge(bytes: number): boolean {
    return bytes > this.#copies.bytesMax || this.#copies.bytesMax === 0;
  }

  #hasCopy(file: IdListFile, bytesMin: number): boolean {
    const copy = this.#copies.peek(file.name);
    return copy !== undefined && copy.bytes.length >= bytesMin;
  }

  /** Undefined where there is no copy of that length, or it cannot be read. */
  async #readCopy(file: IdListFile, { fromByte, bytesMin }: FileWish): Promise<FileReading | undefined> {
    const copy = this.#copies.peek(file.name);
    if (copy === undefined || copy.bytes.length < bytesMin || this.#isClosed) return undefined;
    this.#copies.used(copy);
    copy.use();
    try {
      const totalBytes = Math.max(bytesMin, await copy.lineEnd());
      if (fromByte > 0 && fromByte >= totalBytes) {
        copy.letGo();
        return { kind: 'past-end', totalBytes };
      }
      const body = new FileBody(copy.bytes.read(fromByte, totalBytes), totalBytes - fromByte, (end) => {
        cancelDeadline();
        copy.letGo();
        if (end !== undefined) inBackground(this.#copies.drop(copy), this.#log);
      });
      const cancelDeadline = this.#clock.schedule(READING_MS_MAX, () => {
        inBackground(body.breakOff(), this.#log);
      });
      return { kind: 'bytes', totalBytes, body };
    } catch (error) {
      copy.letGo();
      if (!(error instanceof CopyFault)) throw error;
      await this.#copies.drop(copy);
      return undefined;
    }
  }

  /** Grows the copy, or makes one; joins in where that goes on already. */
  async #fill(file: IdListFile, bytesMin: number): Promise<Filled> {
    const flight = this.#flights.get(file.name);
    if (flight !== undefined) return await flight;
    const refusal = this.#refusal(file, bytesMin);
    if (refusal !== undefined) return refusal;
    const begun = this.#turns
      .take(file.url, () => this.#fetch(file, bytesMin))
      .finally(() => this.#flights.delete(file.name));
    this.#flights.set(file.name, begun);
    return await begun;
  }

  async #fetch(file: IdListFile, bytesMin: number): Promise<Filled> {
    if (this.#isClosed) return STOPPING;
    this.#fetches += 1;
    const filled = await fillCopy(this.#origin, this.#copies, file, bytesMin);
    // Not where a host lags behind its manifest: with half of a new file, SDKs would lose members of the file before it.
    if (filled.kind === 'filled') this.#copies.peek(file.name)?.hasAllOfOrigin();
    this.#report(file, filled, bytesMin);
    return filled;
  }

  async #stream(file: IdListFile, wish: FileWish): Promise<FileReading> {
    // What is given away ends there: see `streamFile`.
    if (wish.bytesMin > 0 && wish.fromByte >= wish.bytesMin) {
      return { kind: 'past-end', totalBytes: wish.bytesMin };
    }
    const refusal = this.#refusal(file, wish.bytesMin);
    if (refusal !== undefined) return refusal;
    if (!this.#hasRoomForStream()) {
      this.#streamsTurnedAway += 1;
      return failedReading('too_many_streams', 'too many files without a copy are being read');
    }
    this.#streamed += 1;
    const stream = streamFile(this.#origin, file, wish);
    this.#streams.set(stream, this.#clock.monotonicMs());
    const reported = stream.outcome.then((end) => {
      this.#streams.delete(stream);
      this.#report(file, end, wish.bytesMin);
    });
    inBackground(reported, this.#log);
    return await stream.reading;
  }

  #hasRoomForStream(): boolean {
    if (this.#streams.size < STREAMS_MAX) return true;
    const beganMs = this.#clock.monotonicMs() - STREAM_MS_MIN;
    for (const [stream, sinceMs] of this.#streams) {
      const brokenOff = sinceMs <= beganMs ? stream.breakOff() : undefined;
      if (brokenOff === undefined) continue;
      inBackground(brokenOff, this.#log);
      return this.#streams.delete(stream);
    }
    return false;
  }

  #report(file: IdListFile, outcome: Filled | StreamOutcome, bytesMin: number): void {
    // A proxy that is stopping says nothing about the file.
    if (outcome.kind === 'failed' && outcome.reason === 'closed') return;
    this.#ended[FETCH_ENDS[outcome.kind]] += 1;
    if (outcome.kind === 'failed') this.#health.failed(file, outcome, bytesMin);
    else this.#health.worked(file);
  }

  #refusal(file: IdListFile, bytesMin: number): FailedReading | undefined {
    return this.#isClosed ? STOPPING : this.#health.recall(file, bytesMin);
  }
}

const STOPPING = failedReading('closed', 'the proxy is stopping');
