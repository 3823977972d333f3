// What does not work because a folder of the data directory cannot be used: for the log, the readiness probe and /status.
import type { IdLists } from './id-lists.js';
import type { EventRooms } from './log-events.js';

export interface DataFolders extends Pick<IdLists, 'idListDisk'>, EventRooms {
  /** Undefined where specs are not kept on a disk. */
  readonly specDisk: { readonly isFailing: boolean } | undefined;
}

/** One sentence for each folder; none of them says where it is. */
export function findUnusableFolders({ specDisk, idListDisk, logEvents }: DataFolders): readonly string[] {
  return [
    ...(specDisk?.isFailing === true ? ['specs are kept in memory only: a restart needs the origin'] : []),
    ...(logEvents.isOpen ? [] : ['log events are answered with 503']),
    ...(idListDisk?.isFailing === true
      ? ['files of ID lists have no new copies: they are passed through']
      : []),
  ];
}
