// Opens all ports of the process, and says of every one that cannot be had what is wrong and what to do.
import type { ListeningPort, PortOptions } from './listening-port.js';

/** The start is refused: what is wrong is for people to mend, not a bug of this program. */
export class PortsUnavailable extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

/** Rejects with PortsUnavailable where any cannot be had; all of them are to be closed then. */
export async function openPorts(ports: readonly ListeningPort[]): Promise<void> {
  const results = await Promise.allSettled(ports.map((port) => port.open()));
  const faults = results.flatMap((result, index) =>
    result.status === 'rejected' ? faultOf((ports[index] as ListeningPort).options, result.reason) : [],
  );
  if (faults.length > 0) throw new PortsUnavailable(faults);
}

function faultOf({ host, port, hostSetting, portSetting }: PortOptions, error: unknown): string {
  const { code = 'unknown error', message } = error as NodeJS.ErrnoException;
  const inPort = `${portSetting}: cannot listen on port ${port} of ${host} (${code})`;
  const inHost = `${hostSetting}: cannot listen on ${host} (${code})`;
  switch (code) {
    case 'EADDRINUSE':
      return `${inPort}: another process has it; stop that one or choose another port`;
    case 'EACCES':
      return `${inPort}: this user may not; choose a port above 1023 or grant CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return `${inHost}: it is not an address of this machine`;
    case 'EAFNOSUPPORT':
      return `${inHost}: this machine has no addresses of that family`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${inHost}: the name cannot be resolved`;
    default:
      return `${inPort}: ${message}`;
  }
}
