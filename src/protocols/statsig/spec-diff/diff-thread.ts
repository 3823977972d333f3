// The thread that compares two specs: it gets both bodies as they are kept, answers once, and ends.
import { parentPort, workerData } from 'node:worker_threads';
import { itemsOf, type DiffRequest } from './diff-bodies.js';
import { diffSpecs, type SpecDiff } from './spec-diff.js';

export type DiffAnswer = SpecDiff;

if (parentPort !== null) {
  const { before, after, decodedBytesMax } = workerData as DiffRequest;
  const answer: DiffAnswer = diffSpecs(itemsOf(before, decodedBytesMax), itemsOf(after, decodedBytesMax));
  parentPort.postMessage(answer);
}
