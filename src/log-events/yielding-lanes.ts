// Which refused keys give something up when another key would find no room.
import type { Lane } from './lane.js';

/** A key yields when it was refused for this long, and so often: what was a mistake was repaired before. */
const YIELDS_AFTER_MS = 5 * 60_000;
const YIELDS_AFTER_REFUSALS = 2;

/** What has to leave the queue; 0 or less where nothing has to. */
export interface Missing {
  readonly batches: number;
  readonly bytes: number;
}

/**
 * As many lanes as it takes; none where all together have too little, as nobody would be helped by that. `refused`: the one
 * refused for the longest time first. `nowMs` by a clock that never goes back.
 */
export function findYielding(refused: Iterable<Lane>, missing: Missing, nowMs: number): readonly Lane[] {
  const yielding: Lane[] = [];
  let { batches, bytes } = missing;
  for (const lane of refused) {
    // Those that follow were refused later.
    if (nowMs - lane.refusedSinceMs < YIELDS_AFTER_MS) break;
    if (lane.isSending || lane.refusals < YIELDS_AFTER_REFUSALS) continue;
    yielding.push(lane);
    batches -= lane.batches;
    bytes -= lane.bytes;
    if (batches <= 0 && bytes <= 0) return yielding;
  }
  return [];
}
