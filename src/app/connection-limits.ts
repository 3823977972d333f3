// The limits of client connections, one for each server of a mode; says so where they are lower than what was asked for.
import type { Gauges } from '../observability/gauges.js';
import { ConnectionLimit, type ConnectionLimitOptions } from '../servers/listener/connection-limit.js';
import { shareConnections, type ConnectionsByServer } from './connection-shares.js';
import type { World } from './world.js';

/** A server that the mode does not have has none. */
export type ConnectionLimits = Readonly<
  Partial<Record<ConnectionLimitOptions['server'], ConnectionLimit>>
> & {
  readonly admin: ConnectionLimit;
};

export function buildConnectionLimits(
  { log, openFilesMax, memoryBytesMax }: World,
  asked: ConnectionsByServer & { readonly admin: number },
): ConnectionLimits {
  const shares = shareConnections({ openFilesMax, memoryBytesMax }, asked);
  if (shares.http !== asked.http || shares.grpc !== asked.grpc || shares.admin !== asked.admin) {
    log.warn(
      { openFilesMax, memoryBytesMax, asked, allowed: shares },
      'fewer client connections than asked for: the process may not open more files (ulimit -n), or has too little memory',
    );
  }
  const limitOf = (server: ConnectionLimitOptions['server'], connectionsMax: number): ConnectionLimit =>
    new ConnectionLimit({ server, connectionsMax });
  return {
    ...(shares.http !== undefined && { http: limitOf('http', shares.http) }),
    ...(shares.grpc !== undefined && { grpc: limitOf('grpc', shares.grpc) }),
    admin: limitOf('admin', shares.admin ?? asked.admin),
  };
}

export function gaugesOf(connections: ConnectionLimits): Gauges {
  return Object.fromEntries(
    Object.values(connections).map(({ server, gauge }) => [`${server}Connections`, gauge]),
  );
}
