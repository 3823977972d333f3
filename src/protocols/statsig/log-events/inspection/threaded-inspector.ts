// Hands bodies to a thread of their own, so that no body, however large, stalls the event loop.
import { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '../../../../domain/clock.js';
import type { Inspected, Inspection, InspectionRequest, Inspector, UnreadReason } from './inspection.js';
import type { FromThread, ThreadOptions, ToThread } from './inspection-thread.js';

/** A batch that waits longer for its inspection is forwarded as it came ... */
const INSPECTION_MS_MAX = 5_000;
/** ... at once, where so many wait already: a second or so for batches of 30 kB. */
const INSPECTIONS_MAX = 128;
/** Of one key: when a key floods the proxy, its own batches go uninspected and others' do not. */
const INSPECTIONS_PER_KEY_MAX = 16;
/** Heap of the thread; the bodies themselves are outside of it. */
const THREAD_HEAP_MIB_MAX = 512;

export interface InspectorListener {
  /** A new thread takes over; the batches that the old one was inspecting are forwarded as they came. */
  threadBroke(error: unknown): void;
  exposuresForgotten(exposures: number): void;
}

const BROKEN: Inspection = { kind: 'unread', reason: 'broken' };

interface Pending {
  readonly sdkKey: string;
  readonly answer: (inspection: Inspection, hasExposures: boolean) => void;
}

/** The first body starts the thread: a proxy without log events does not pay for it. */
export class ThreadedInspector implements Inspector {
  readonly #clock: Clock;
  readonly #listener: InspectorListener;
  readonly #options: ThreadOptions;
  readonly #pending = new Map<number, Pending>();
  /** How many of these belong to each key; keys with none are absent. */
  readonly #perKey = new Map<string, number>();
  #thread: Worker | undefined;
  #lastId = 0;
  remembered = 0;

  constructor(clock: Clock, listener: InspectorListener, options: ThreadOptions) {
    this.#clock = clock;
    this.#listener = listener;
    this.#options = options;
  }

  get rememberedMax(): number {
    return this.#options.exposuresMax;
  }

  inspect(request: InspectionRequest): Promise<Inspected> {
    const { sdkKey } = request;
    const ofKey = this.#perKey.get(sdkKey) ?? 0;
    if (this.#pending.size >= INSPECTIONS_MAX || ofKey >= INSPECTIONS_PER_KEY_MAX) {
      return Promise.resolve(passOn('busy'));
    }
    const thread = (this.#thread ??= this.#tryStart());
    if (thread === undefined) return Promise.resolve(passOn('broken'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      let cancel: Cancel = () => undefined;
      const settle = (isKept: boolean): void => {
        this.#tell(thread, { kind: 'settle', id, isKept, nowMs: this.#clock.monotonicMs() });
      };
      const answer: Pending['answer'] = (inspection, hasExposures) => {
        cancel();
        resolve({ inspection, settle: hasExposures ? settle : () => undefined });
      };
      this.#pending.set(id, { sdkKey, answer });
      this.#perKey.set(sdkKey, ofKey + 1);
      cancel = this.#clock.schedule(INSPECTION_MS_MAX, () => {
        resolve(passOn('busy'));
        // Its late result has no taker, and must not be remembered.
        this.#pending.set(id, {
          sdkKey,
          answer: () => {
            settle(false);
          },
        });
      });
      try {
        this.#tell(thread, { kind: 'inspect', id, request });
      } catch (error) {
        // No memory for its copy.
        this.#listener.threadBroke(error);
        this.#take({ kind: 'inspected', id, inspection: BROKEN, hasExposures: false });
      }
    });
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    thread.removeAllListeners();
    await thread.terminate();
    this.#giveUpPending();
  }

  /** Undefined where the system gives us no thread, as in a container with too many of them: the next body tries again. */
  #tryStart(): Worker | undefined {
    try {
      return this.#start();
    } catch (error) {
      this.#listener.threadBroke(error);
      return undefined;
    }
  }

  #start(): Worker {
    const thread = new Worker(new URL('./inspection-thread.js', import.meta.url), {
      workerData: this.#options,
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MIB_MAX },
    });
    thread.on('message', (message: FromThread) => {
      this.#take(message);
    });
    thread.on('error', (error) => {
      this.#listener.threadBroke(error);
      this.#thread = undefined;
      this.remembered = 0;
      this.#giveUpPending();
    });
    return thread;
  }

  #take(message: FromThread): void {
    switch (message.kind) {
      case 'inspected': {
        const pending = this.#pending.get(message.id);
        if (pending === undefined) return;
        this.#pending.delete(message.id);
        this.#countOut(pending.sdkKey);
        pending.answer(message.inspection, message.hasExposures);
        return;
      }
      case 'remembered':
        this.remembered = message.exposures;
        return;
      case 'forgotten':
        this.#listener.exposuresForgotten(message.exposures);
    }
  }

  #countOut(sdkKey: string): void {
    const ofKey = (this.#perKey.get(sdkKey) ?? 1) - 1;
    if (ofKey === 0) this.#perKey.delete(sdkKey);
    else this.#perKey.set(sdkKey, ofKey);
  }

  #giveUpPending(): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#perKey.clear();
    for (const { answer } of pending) answer(BROKEN, false);
  }

  #tell(thread: Worker, message: ToThread): void {
    // A thread that has ended takes no message, and needs none.
    thread.postMessage(message);
  }
}

function passOn(reason: UnreadReason): Inspected {
  return { inspection: { kind: 'unread', reason }, settle: () => undefined };
}
