// Stopping: servers drain while there is time, then are cut, so that the process ends within its deadline.
import type { FastifyInstance } from 'fastify';
import type { Backups } from '../core/backups.js';
import type { Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import type { IdListFiles } from '../protocols/statsig/id-lists/id-list-files.js';

/** Requests that wait for the origin get this long; then it is closed, and they are answered with 503. */
export const WAIT_FOR_ORIGIN_MS = 3_000;
/** Connections still open after this are cut. With what else a stop needs, the process ends within 5 s. */
const DRAIN_MS_MAX = 4_000;
/** Connections become idle one by one as their answers end. */
const CLOSE_IDLE_EVERY_MS = 50;

/** What is still to be written to Redis or a disk gets this long, and their closing as long again. */
const BACKUPS_MS_MAX = 300;

/** Lets backups be written for a moment, then closes their places, whatever is left; waits for neither that hangs. */
export async function finishBackups(clock: Clock, backups: Backups): Promise<void> {
  backups.stop();
  await atMost(clock, BACKUPS_MS_MAX, backups.idle());
  await atMost(clock, BACKUPS_MS_MAX, backups.close());
}

/** What is still to be written of copies gets no longer: it can be fetched again. */
const COPIES_MS_MAX = 300;

/** Waits for no disk that hangs. */
export async function closeIdListFiles(clock: Clock, files: IdListFiles): Promise<void> {
  await atMost(clock, COPIES_MS_MAX, files.close());
}

/** Runs every step, each after the one before, also where one fails; throws the first failure at the end. */
export async function closeInOrder(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Stops listening, lets answers in flight end, closes connections as they fall idle; resolves when none is left. */
export async function drainHttp(clock: Clock, apps: readonly FastifyInstance[]): Promise<void> {
  let isDone = false;
  const closeIdle = (): void => {
    if (isDone) return;
    for (const app of apps) app.server.closeIdleConnections();
    clock.schedule(CLOSE_IDLE_EVERY_MS, closeIdle);
  };
  const cancelCut = clock.schedule(DRAIN_MS_MAX, () => {
    for (const app of apps) app.server.closeAllConnections();
  });
  const closing = Promise.all(apps.map((app) => app.close()));
  closeIdle();
  try {
    await closing;
  } finally {
    isDone = true;
    cancelCut();
  }
}
