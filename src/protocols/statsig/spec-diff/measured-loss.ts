// Measures how much a spec has lost, in a thread: for the guard, which only wants to know the worst of it.
import { runOneShot } from '../../../bodies/one-shot-thread.js';
import type { Clock } from '../../../domain/clock.js';
import { worstOf, type Loss } from '../../../domain/loss.js';
import type { Payload } from '../../../domain/payload.js';
import { toRequest } from './diff-bodies.js';
import type { LossAnswer } from './loss-thread.js';

/** For one pair of bodies: polls of this spec wait for it. */
export const LOSS_MS_MAX = 30_000;

/** As `ResourceKind.lossOf`. */
export async function measuredLoss(clock: Clock, before: Payload, after: Payload): Promise<Loss> {
  const file = new URL('./loss-thread.js', import.meta.url);
  const { gates, configs } = await runOneShot<LossAnswer>(clock, file, toRequest(before, after), LOSS_MS_MAX)
    .answer;
  return worstOf([
    { what: `lost ${gates.lost} of ${gates.before} gates`, ...gates },
    { what: `lost ${configs.lost} of ${configs.before} configs`, ...configs },
    {
      what: `shrank from ${before.identityBytes} to ${after.identityBytes} bytes`,
      before: before.identityBytes,
      lost: before.identityBytes - after.identityBytes,
    },
  ]);
}
