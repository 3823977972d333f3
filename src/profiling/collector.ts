// Collects profiles of this process, one at a time and within limits; the library that does so is loaded when first needed.
import type { Clock } from '../domain/clock.js';
import { pause } from '../domain/deadline.js';
import { failed, type Failure } from '../domain/failure.js';

/** `wall`: where the main thread spends its time, idle included. `heap`: who allocated what is still in use. */
export type ProfileKind = 'wall' | 'heap';

/** Why there is no profile. Stable and machine-readable. */
export type ProfileFailureReason =
  'profiler_missing' | 'profiler_busy' | 'profiler_failed' | 'profile_too_large' | 'profile_ended';

export type Collected = Buffer | Failure<ProfileFailureReason>;

type Profiler = Pick<typeof import('@datadog/pprof'), 'time' | 'heap' | 'encode'>;
export type LoadProfiler = () => Promise<Profiler>;

/** What Google's own agent for Node takes for both. */
const WALL_INTERVAL_MICROS = 1_000;
const HEAP_INTERVAL_BYTES = 512 * 1024;
const HEAP_STACK_DEPTH = 64;
/** Seven seconds of 9,000 requests each make 6 kB: it is the number of different stacks that counts, not the time. */
export const PROFILE_BYTES_MAX = 16 * 1024 * 1024;
/** A connection on which nothing moves for 75 s is closed, and whoever asked for a profile waits on one. */
export const PROFILE_MS_MAX = 60_000;

export class Collector {
  readonly #clock: Clock;
  readonly #load: LoadProfiler;
  #isBusy = false;
  #heapUsers = 0;
  readonly #outcomes = new Map<ProfileKind, Map<string, number>>();

  constructor(clock: Clock, load: LoadProfiler = () => import('@datadog/pprof')) {
    this.#clock = clock;
    this.#load = load;
  }

  /** Whether a profile is being collected now. */
  get isCollecting(): boolean {
    return this.#isBusy;
  }

  /** How many collections ended how: `collected`, or the reason of a failure. */
  get outcomes(): ReadonlyMap<ProfileKind, ReadonlyMap<string, number>> {
    return this.#outcomes;
  }

  /** A compressed profile in pprof's format. Ends early, without one, when the signal aborts; never rejects. */
  async collect(kind: ProfileKind, durationMs: number, signal: AbortSignal): Promise<Collected> {
    const collected = await this.#tryCollect(kind, durationMs, signal);
    const ofKind = this.#outcomes.get(kind) ?? new Map<string, number>();
    const outcome = Buffer.isBuffer(collected) ? 'collected' : collected.reason;
    this.#outcomes.set(kind, ofKind.set(outcome, (ofKind.get(outcome) ?? 0) + 1));
    return collected;
  }

  /**
   * From now on allocations are sampled, so that a later heap profile knows of them; returns what ends that. V8 cannot tell
   * afterwards who allocated what.
   */
  async sampleHeap(): Promise<(() => void) | Failure<ProfileFailureReason>> {
    const profiler = await this.#profiler();
    if ('kind' in profiler) return profiler;
    try {
      return this.#useHeap(profiler);
    } catch (error) {
      return failed('profiler_failed', wordsOf(error));
    }
  }

  async #tryCollect(kind: ProfileKind, durationMs: number, signal: AbortSignal): Promise<Collected> {
    if (this.#isBusy) return failed('profiler_busy', 'another profile is being collected');
    this.#isBusy = true;
    try {
      const profiler = await this.#profiler();
      if ('kind' in profiler) return profiler;
      const forMs = Math.min(durationMs, PROFILE_MS_MAX);
      const take = kind === 'wall' ? this.#wall : this.#heap;
      const profile = await take.call(this, profiler, forMs, signal);
      if (signal.aborted) return failed('profile_ended', 'nobody waits for it any more');
      const bytes = await profiler.encode(profile);
      if (bytes.length <= PROFILE_BYTES_MAX) return bytes;
      return failed('profile_too_large', `${bytes.length} bytes`);
    } catch (error) {
      return failed('profiler_failed', wordsOf(error));
    } finally {
      this.#isBusy = false;
    }
  }

  async #wall({ time }: Profiler, forMs: number, signal: AbortSignal): Promise<ReturnType<typeof time.stop>> {
    time.start({ intervalMicros: WALL_INTERVAL_MICROS });
    await pause(this.#clock, forMs, signal);
    return time.stop();
  }

  async #heap(
    profiler: Profiler,
    forMs: number,
    signal: AbortSignal,
  ): Promise<ReturnType<Profiler['heap']['profile']>> {
    const release = this.#useHeap(profiler);
    try {
      await pause(this.#clock, forMs, signal);
      return profiler.heap.profile();
    } finally {
      release();
    }
  }

  #useHeap({ heap }: Profiler): () => void {
    if (this.#heapUsers === 0) heap.start(HEAP_INTERVAL_BYTES, HEAP_STACK_DEPTH);
    this.#heapUsers += 1;
    return () => {
      this.#heapUsers -= 1;
      if (this.#heapUsers === 0) heap.stop();
    };
  }

  /** It is missing where optional dependencies were left out, or where its package has no binary for this platform and Node. */
  async #profiler(): Promise<Profiler | Failure<ProfileFailureReason>> {
    try {
      return await this.#load();
    } catch (error) {
      return failed('profiler_missing', wordsOf(error));
    }
  }
}

/** The first line: what follows lists files. */
function wordsOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
