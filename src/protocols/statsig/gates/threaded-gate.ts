// Asks a thread of its own for a gate: a large spec stalls nobody, and an SDK that is missing or goes astray harms nobody.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../domain/clock.js';
import { failed, type Failure } from '../../../domain/failure.js';
import type { GateQuestion } from './evaluate-gate.js';
import type { GateVerdict } from './gate-thread.js';

/** A spec of 50 MB takes a few seconds. */
export const GATE_MS_MAX = 60_000;
/** A parsed spec is several times as large as its text. */
const HEAP_MIB_MAX = 512;

/** Never rejects. The bytes of the spec are copied into the thread. */
export async function askThread(clock: Clock, question: GateQuestion): Promise<boolean | Failure> {
  const late = new AbortController();
  const cancel = clock.schedule(GATE_MS_MAX, () => {
    late.abort();
  });
  let thread: Worker | undefined;
  try {
    thread = new Worker(new URL('./gate-thread.js', import.meta.url), {
      workerData: question,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
      // The SDK writes there what it does not like.
      stdout: true,
      stderr: true,
    });
    const [verdict] = (await once(thread, 'message', { signal: late.signal })) as [GateVerdict];
    return 'fault' in verdict ? failed('gate_unknown', verdict.fault) : verdict.isOpen;
  } catch (error) {
    const detail = late.signal.aborted ? `not evaluated within ${GATE_MS_MAX} ms` : wordsOf(error);
    return failed('gate_unknown', detail);
  } finally {
    cancel();
    await thread?.terminate();
  }
}

/** The first line: what follows lists files. */
function wordsOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
