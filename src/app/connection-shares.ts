// How many client connections each server may have: as many as asked for, unless files or memory of the process are too few.
import type { ConnectionLimitOptions } from '../servers/listener/connection-limit.js';
import type { World } from './world.js';

type Server = ConnectionLimitOptions['server'];
export type ConnectionsByServer = Readonly<Partial<Record<Server, number>>>;

/**
 * Descriptors that are not for clients: the process' own, files of log events (about 64) and of copies, connections to
 * Redis and to the origins.
 */
const RESERVED = 256;
/** Of few descriptors, this part is reserved instead. */
const RESERVED_PART = 1 / 4;

/** Of memory, this part may go to connections ... */
const MEMORY_PART = 1 / 4;
/** ... which take 18 KiB each on the gRPC port, and 8 KiB on the others, as measured. */
const CONNECTION_BYTES = 20 * 1024;

/** Shares them evenly where they are too few: what one server does not ask for goes to the others. */
export function shareConnections(
  { openFilesMax, memoryBytesMax }: Pick<World, 'openFilesMax' | 'memoryBytesMax'>,
  asked: ConnectionsByServer,
): ConnectionsByServer {
  const byFiles = openFilesMax - Math.min(RESERVED, openFilesMax * RESERVED_PART);
  const byMemory = (memoryBytesMax * MEMORY_PART) / CONNECTION_BYTES;
  let left = Math.floor(Math.min(byFiles, byMemory));
  const servers = Object.entries(asked).sort(([, one], [, other]) => one - other);
  const shares = servers.map(([server, wanted], index) => {
    const share = Math.max(1, Math.min(wanted, Math.floor(left / (servers.length - index))));
    left -= share;
    return [server, share] as const;
  });
  return Object.fromEntries(shares);
}
