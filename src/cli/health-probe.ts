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
  if (options.isGrpc) return await probeGrpc(`${reachable(options.host)}:${options.grpcPort}`, clock);
  const report = await probeHttp(`${reachable(options.host)}:${options.httpPort}`);
  // A daemon that serves gRPC alone has its probes on the admin port.
  if (report !== 'refused') return report;
  const adminReport = await probeHttp(`${reachable(options.adminHost)}:${options.adminPort}`);
  if (adminReport !== 'refused') return adminReport;
  const ports = `ports ${options.httpPort} and ${options.adminPort}`;
  return { isHealthy: false, text: `nobody listens on ${reachable(options.host)}, ${ports}` };
}

async function probeGrpc(address: string, clock: Clock): Promise<HealthReport> {
  const { askGrpcHealth } = await import('../servers/grpc/health-client.js');
  try {
    const status = await askGrpcHealth(clock, `http://${address}`);
    return { isHealthy: status === 'SERVING', text: status };
  } catch (error) {
    return { isHealthy: false, text: `${address}: ${(error as Error).message}` };
  }
}

function probeHttp(address: string): Promise<HealthReport | 'refused'> {
  return new Promise((resolve) => {
    const url = `http://${address}/v1/health`;
    const fail = (error: Error): void => {
      const isRefused = 'code' in error && error.code === 'ECONNREFUSED';
      resolve(isRefused ? 'refused' : { isHealthy: false, text: `${url}: ${error.message}` });
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

/** An address that reaches a server listening on `host` from the same machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
