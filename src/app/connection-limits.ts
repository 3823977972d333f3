// The limits of client connections, one for each server of a mode; says so where they are lower than what was asked for.
import { ConnectionLimit } from '../servers/listener/connection-limit.js';
import { shareConnections, type ConnectionsByServer } from './connection-shares.js';
import type { World } from './world.js';

/** Undefined for a server that the mode does not have. */
export interface ConnectionLimits {
  readonly http: ConnectionLimit | undefined;
  readonly grpc: ConnectionLimit | undefined;
  readonly admin: ConnectionLimit;
}

export function buildConnectionLimits(
  { clock, log, openFilesMax }: World,
  asked: ConnectionsByServer & { readonly admin: number },
): ConnectionLimits {
  const shares = shareConnections(openFilesMax, asked);
  if (shares.http !== asked.http || shares.grpc !== asked.grpc || shares.admin !== asked.admin) {
    log.warn(
      { openFilesMax, asked, allowed: shares },
      'fewer client connections than asked for: the process may not open more files (ulimit -n)',
    );
  }
  const limitOf = (server: 'http' | 'grpc'): ConnectionLimit | undefined => {
    const connectionsMax = shares[server];
    return connectionsMax === undefined
      ? undefined
      : new ConnectionLimit(clock, log, { server, connectionsMax });
  };
  const admin = { server: 'admin', connectionsMax: shares.admin ?? asked.admin } as const;
  return {
    http: limitOf('http'),
    grpc: limitOf('grpc'),
    admin: new ConnectionLimit(clock, log, admin),
  };
}
