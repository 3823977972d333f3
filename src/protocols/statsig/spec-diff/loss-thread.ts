// The thread that finds out how much of a spec its next version has lost: it gets both bodies, answers once, and ends.
import { parentPort, workerData } from 'node:worker_threads';
import { itemsOf, type DiffRequest } from './diff-bodies.js';
import { lossOf, type SpecLoss } from './spec-loss.js';

export type LossAnswer = SpecLoss;

if (parentPort !== null) {
  const { before, after, decodedBytesMax } = workerData as DiffRequest;
  const answer: LossAnswer = lossOf(itemsOf(before, decodedBytesMax), itemsOf(after, decodedBytesMax));
  parentPort.postMessage(answer);
}
