// When a batch is given up, though the origin never said that it will not take it.
import type { Clock } from '../../../domain/clock.js';
import type { KeptBatch } from './batch.js';
import { AsideLane, type Lane } from './lane.js';

/** A batch is given up when it waited and its key was refused for this long. */
const REFUSED_MS_MAX = 3 * 24 * 60 * 60 * 1000;
/** A batch is given up when it failed this often while later ones of its key were taken, ... */
const FAILURES_ALONE_MAX = 8;
/** ... and for this long: an origin that sheds load also fails one and takes another. */
const ASIDE_MS_MAX = 60 * 60 * 1000;

export function isHopeless(lane: Lane, clock: Clock): boolean {
  if (!(lane instanceof AsideLane) || lane.failuresAlone < FAILURES_ALONE_MAX) return false;
  return clock.monotonicMs() - lane.sinceMs >= ASIDE_MS_MAX;
}

/** Both since it was accepted and since the key was first refused: neither a long wait before counts, nor a wrong clock. */
export function isRefusedForGood(lane: Lane, kept: KeptBatch, clock: Clock): boolean {
  if (!lane.isRefused || clock.nowMs() - kept.acceptedAtMs <= REFUSED_MS_MAX) return false;
  return clock.monotonicMs() - lane.refusedSinceMs > REFUSED_MS_MAX;
}
