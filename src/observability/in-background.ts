// Work that nobody awaits: a fault of ours in it is logged with its stack, and neither lost nor the end of the process.
import type { Logger } from './logger.js';

/** What can be expected to go wrong is dealt with by the task itself, which also has to leave its room fit to go on. */
export function inBackground(task: Promise<unknown>, log: Logger): void {
  task.catch((error: unknown) => {
    log.error({ err: error }, 'unexpected error in background work');
  });
}
