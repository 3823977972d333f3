// How many client connections each server may have, by what was asked for and by how many files the process may open.
import type { ConnectionLimitOptions } from '../servers/listener/connection-limit.js';

type Server = ConnectionLimitOptions['server'];
export type ConnectionsByServer = Readonly<Partial<Record<Server, number>>>;

/**
 * Descriptors that are not for clients: the process' own, files of log events (about 64) and of copies, connections to
 * Redis and to the origins.
 */
const RESERVED = 256;
/** Of few descriptors, this part is reserved instead. */
const RESERVED_PART = 1 / 4;

/** Shares them evenly where they are too few: what one server does not ask for goes to the others. */
export function shareConnections(openFilesMax: number, asked: ConnectionsByServer): ConnectionsByServer {
  let left = Math.floor(openFilesMax - Math.min(RESERVED, openFilesMax * RESERVED_PART));
  const servers = Object.entries(asked).sort(([, one], [, other]) => one - other);
  const shares = servers.map(([server, wanted], index) => {
    const share = Math.max(1, Math.min(wanted, Math.floor(left / (servers.length - index))));
    left -= share;
    return [server, share] as const;
  });
  return Object.fromEntries(shares);
}
