// Runs one piece of work in a thread of its own: a request goes in, one answer comes out, and the thread is gone.
import { Worker } from 'node:worker_threads';
import type { Clock } from '../domain/clock.js';

/** Heap of the thread: objects of parsed JSON take several times its bytes. */
const THREAD_HEAP_MIB_MAX = 1_024;

export interface OneShot<Answer> {
  readonly answer: Promise<Answer>;
  stop(): Promise<void>;
}

/** `answer` rejects where the thread throws, ends without one, is stopped, or takes longer than `msMax` or more heap than it may. */
export function runOneShot<Answer>(
  clock: Clock,
  file: URL,
  request: object,
  msMax: number,
  heapMibMax = THREAD_HEAP_MIB_MAX,
): OneShot<Answer> {
  const thread = new Worker(file, {
    workerData: request,
    resourceLimits: { maxOldGenerationSizeMb: heapMibMax },
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    const cancel = clock.schedule(msMax, () => {
      reject(new Error('the work took too long'));
    });
    thread.on('message', resolve);
    thread.on('error', reject);
    thread.on('exit', () => {
      cancel();
      reject(new Error('the thread ended without an answer'));
    });
  });
  const stop = async (): Promise<void> => {
    await thread.terminate();
  };
  return { answer: answer.finally(stop), stop };
}
