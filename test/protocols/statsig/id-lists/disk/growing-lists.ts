// The two copies of a process that is killed: one that only grows, and one that is another list again and again.
import { copyName, listBytes } from '../../../../contracts/copy-bytes.js';

export const GROWING = copyName('growing');
export const REPLACED = copyName('replaced');
const LISTS_MAX = 90;

/** The number of the list that begins with this line. */
export function listOf(line: Buffer): number {
  for (let list = 1; list < LISTS_MAX; list += 1) if (listBytes(list, 0, 10).equals(line)) return list;
  throw new Error(`no list begins with ${line.toString('latin1')}`);
}
