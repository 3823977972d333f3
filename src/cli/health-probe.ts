// The `health` subcommand: asks the daemon on this machine, for images that have no shell and no curl.
import type { Clock } from '../domain/clock.js';

/** Imported in the usual way, it brings Node's own undici along on Node 24, for names nobody asked for: 12 MB. */
const { get } = process.getBuiltinModule('node:http');

const TIMEOUT_MS = 3_000;

export interface HealthProbeOptions {
  /** What the daemon listens on. */
  readonly host: string;
  readonly httpPort: number;
  readonly adminHost: string;
  readonly adminPort: number;
  readonly grpcPort: number;
  /** Ask the gRPC health service instead. */
  readonly isGrpc: boolean;
}

export interface HealthReport {
  readonly isHealthy: boolean;
  /** One line: the daemon's own words, or why there are none. */
  readonly text: string;
}

/** Never rejects: no answer is a report too. */
export async function probeHealth(options: HealthProbeOptions, clock: Clock): Promise<HealthReport> {
  if (options.isGrpc) return await probeGrpc(addressesOf(options.host, options.grpcPort), clock);
  // A daemon that serves gRPC alone has its probes on the admin port.
  const { host, httpPort, adminHost, adminPort } = options;
  for (const address of [...addressesOf(host, httpPort), ...addressesOf(adminHost, adminPort)]) {
    const report = await probeHttp(address);
    if (report !== 'unreachable') return report;
  }
  return {
    isHealthy: false,
    text: `no server listens on port ${httpPort} of ${host} or port ${adminPort} of ${adminHost}`,
  };
}

async function probeGrpc(addresses: readonly string[], clock: Clock): Promise<HealthReport> {
  const { askGrpcHealth } = await import('../servers/grpc/health-client.js');
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      const status = await askGrpcHealth(clock, `http://${address}`);
      return { isHealthy: status === 'SERVING', text: status };
    } catch (error) {
      failures.push(`${address}: ${(error as Error).message}`);
    }
  }
  return { isHealthy: false, text: failures.join('; ') };
}

/** The server listens on another address, or this machine does not have this one's family. */
const UNREACHABLE: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

function probeHttp(address: string): Promise<HealthReport | 'unreachable'> {
  return new Promise((resolve) => {
    const url = `http://${address}/v1/health`;
    const fail = (error: Error): void => {
      const isUnreachable = 'code' in error && UNREACHABLE.has(error.code);
      resolve(isUnreachable ? 'unreachable' : { isHealthy: false, text: `${url}: ${error.message}` });
    };
    const request = get(url, { timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => {
        resolve({ isHealthy: response.statusCode === 200, text: text.trim() });
      });
      response.on('error', fail);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('error', fail);
  });
}

/** That reach a server listening on `host` from the same machine. A server on every address may have one family only. */
function addressesOf(host: string, port: number): readonly string[] {
  const isEither = ['::', '0.0.0.0', '127.0.0.1'].includes(host);
  const hosts = isEither ? ['127.0.0.1', '[::1]'] : [host.includes(':') ? `[${host}]` : host];
  return hosts.map((each) => `${each}:${port}`);
}
