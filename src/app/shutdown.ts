// Stopping: servers drain while there is time, then are cut, so that the process ends within its deadline.
import type { Backups } from '../core/backups.js';
import type { Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import type { HttpApp } from '../servers/http/fastify-app.js';
import type { ListeningPort } from '../servers/listener/listening-port.js';

/** Requests that wait for the origin get this long; then it is closed, and they are answered with 503. */
export const WAIT_FOR_ORIGIN_MS = 3_000;
/** HTTP connections still open after this are cut. With what else a stop needs, the process ends within 5 s. */
const HTTP_MS_MAX = 4_000;
/** gRPC connections have longer: their streams are ended one by one. */
export const GRPC_MS_MAX = 7_000;
/** Connections become idle one by one as their answers end. */
const CLOSE_IDLE_EVERY_MS = 50;

/** What is still to be written to Redis or a disk gets this long, and their closing as long again. */
const BACKUPS_MS_MAX = 300;

/** Lets backups be written for a moment, then closes their places, whatever is left; waits for neither that hangs. */
export async function finishBackups(
  clock: Clock,
  backups: Pick<Backups, 'stop' | 'idle' | 'close'>,
): Promise<void> {
  backups.stop();
  await atMost(clock, BACKUPS_MS_MAX, backups.idle());
  await atMost(clock, BACKUPS_MS_MAX, backups.close());
}

/** Stops listening, lets answers in flight end, closes connections as they fall idle; resolves when none is left. */
export async function drainHttp(
  clock: Clock,
  apps: readonly HttpApp[],
  ports: readonly ListeningPort[],
): Promise<void> {
  let isDone = false;
  const closeIdle = (): void => {
    if (isDone) return;
    for (const app of apps) app.closeIdle();
    clock.schedule(CLOSE_IDLE_EVERY_MS, closeIdle);
  };
  const closing = Promise.all(ports.map((port) => port.close(clock, HTTP_MS_MAX)));
  closeIdle();
  await closing;
  isDone = true;
  await Promise.all(apps.map(({ app }) => app.close()));
}
