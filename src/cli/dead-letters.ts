// The command `dead-letters`: prints the batches of log events that were given up, opened with the key of the folder or a data key.
import { parseDataKeys, DataKeys, type DataKey } from '../files/data-keys.js';
import type { Clock } from '../domain/clock.js';
import { fileFault, readSmallFile } from '../files/small-file.js';
import { openDeadLetters } from '../protocols/statsig/log-events/disk/opened-dead-letters.js';
import type { CommandReport } from './command-report.js';

const USAGE =
  'type: spec-forward-proxy dead-letters FOLDER [--data-key-file FILE], or dead-letters --redis\n';

/** `args`: what follows the command. One JSON line for each letter. */
export async function runDeadLetters(clock: Clock, args: readonly string[]): Promise<CommandReport> {
  const [folder, flag, keyFile, ...more] = args;
  const isComplete = flag === undefined || (flag === '--data-key-file' && keyFile !== undefined);
  if (folder === undefined || folder.startsWith('-') || !isComplete || more.length > 0)
    return { exitStatus: 2, text: USAGE };
  const keys = await readKeys(keyFile);
  if (typeof keys === 'string') return { exitStatus: 1, text: `${keys}\n` };
  try {
    const letters = await openDeadLetters(folder, new DataKeys(clock, keys));
    const isWhole = letters.every(({ fault }) => fault === undefined);
    const lines = letters.map(({ facts, ...opened }) => `${JSON.stringify({ ...facts, ...opened })}\n`);
    return { exitStatus: isWhole ? 0 : 1, text: lines.join('') };
  } catch (error) {
    return {
      exitStatus: 1,
      text: `cannot be read: ${error instanceof Error ? error.message : String(error)}\n`,
    };
  }
}

/** The keys, or what is wrong with their file. */
async function readKeys(path: string | undefined): Promise<readonly DataKey[] | string> {
  if (path === undefined) return [];
  try {
    const { keys, faults } = parseDataKeys(await readSmallFile(path));
    return faults.length === 0 ? keys : `${path}: ${faults.join('; ')}`;
  } catch (error) {
    return fileFault(path, error);
  }
}
