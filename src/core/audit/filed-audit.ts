// The audit log in a directory: every line of this replica, chained to the one before, also across restarts.
import type { AuditFolder } from '../../storage/disk/audit-folder.js';
import { CHAIN_START, chainLine, readLine, type ChainEnd } from './audit-line.js';
import type { AuditPlace } from './audit-log.js';

export function createFiledAudit(folder: AuditFolder): AuditPlace {
  /** Undefined until the folder could be read. */
  let end: ChainEnd | undefined;
  const readEnd = async (): Promise<ChainEnd | undefined> => {
    const newest = await folder.newest(1);
    if (newest === 'failed') return undefined;
    const [last] = newest;
    // After a line that is not one of ours a chain begins anew, which shows as a fault where that line is.
    return last === undefined ? CHAIN_START : (readLine(last) ?? CHAIN_START);
  };
  return {
    takesEvery: true,
    append: async (events) => {
      end ??= await readEnd();
      if (end === undefined) return false;
      let now = end;
      const lines = events.map((event) => {
        const line = chainLine(now, event);
        now = line;
        return line.text;
      });
      if (!(await folder.append(lines, JSON.stringify({ seq: now.seq, hash: now.hash })))) {
        // Some of them may have been written: what is there counts.
        end = undefined;
        return false;
      }
      end = { seq: now.seq, hash: now.hash };
      return true;
    },
    newest: async (linesMax) => {
      const lines = await folder.newest(linesMax);
      return lines === 'failed' ? undefined : lines;
    },
    close: () => folder.close(),
  };
}
