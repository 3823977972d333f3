// Ports: each that the daemon would open is opened and closed at once.
import { openPortsOf } from '../app/ports.js';
import { ConnectionLimit } from '../servers/listener/connection-limit.js';
import { ListeningPort } from '../servers/listener/listening-port.js';
import { openPorts, PortsUnavailable } from '../servers/listener/open-ports.js';
import { fail, pass, type Finding, type Patient } from './check.js';

const REMEDY =
  'Where the daemon itself has the port, as beside a running one, leave this check out: --skip ports.';

export async function checkPorts({ config, clock }: Pick<Patient, 'config' | 'clock'>): Promise<Finding[]> {
  const limit = new ConnectionLimit({ server: 'http', connectionsMax: 1 });
  const ports = Object.values(openPortsOf(config))
    .filter((options) => options !== undefined)
    // Nobody is served: who connects in this moment is turned away as by a closed port.
    .map((options) => new ListeningPort(options, limit, (socket) => socket.destroy()));
  const at = ports.map(({ options: { host, port } }) => `${port} of ${host}`);
  try {
    await openPorts(ports);
    return [pass(`free to listen on: ${at.join(', ')}`)];
  } catch (error) {
    if (!(error instanceof PortsUnavailable)) throw error;
    return error.faults.map((fault) => fail(fault, REMEDY));
  } finally {
    await Promise.all(ports.map((port) => port.close(clock, 0)));
  }
}
