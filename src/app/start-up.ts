// The end of a start: ready for traffic once every pinned key was tried, or after a minute, and a line that says what is off.
import { atMost } from '../domain/deadline.js';
import type { Logger } from '../observability/logger.js';
import type { Readiness } from '../servers/readiness.js';
import type { World } from './world.js';

/** Pinned keys beyond those that were tried by then are fetched while clients are served. */
const STARTUP_MS_MAX = 60_000;

/** `pinning` ends when every pinned key was tried once. */
export async function startUp(
  { clock, log }: World,
  readiness: Readiness,
  pinnedSdkKeys: number,
  pinning: Promise<void>,
): Promise<void> {
  let areTried = false;
  const tried = pinning.then(() => {
    areTried = true;
  });
  await atMost(clock, STARTUP_MS_MAX, tried);
  readiness.startedUp();
  logReady(log, readiness, pinnedSdkKeys, areTried);
}

function logReady(log: Logger, { unusable }: Readiness, pinnedSdkKeys: number, areTried: boolean): void {
  const buts = [
    ...(areTried ? [] : ['not every pinned key was tried yet']),
    ...(unusable.length === 0 ? [] : ['folders cannot be used']),
  ];
  if (buts.length === 0) log.info({ pinnedSdkKeys }, 'started up: ready for traffic');
  else {
    const facts = { pinnedSdkKeys, ...(unusable.length > 0 && { unusable }) };
    log.warn(facts, `started up: ready for traffic, but ${buts.join(', and ')}`);
  }
}
