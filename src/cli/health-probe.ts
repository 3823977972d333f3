// The `health` subcommand: asks the daemon on this machine, for images that have no shell and no curl.
import type { Socket } from 'node:net';
import type { SettingValues } from '../config/settings.js';
import { tlsRules, type TlsValues } from '../config/tls-rules.js';
import type { Clock } from '../domain/clock.js';

const TIMEOUT_MS = 3_000;

/** What the daemon listens on: the daemon's own settings. */
export interface HealthProbeOptions
  extends
    TlsValues,
    Pick<
      SettingValues,
      'host' | 'httpPort' | 'httpsPort' | 'grpcPort' | 'grpcTlsPort' | 'adminHost' | 'adminPort'
    > {
  /** Ask the gRPC health service instead. */
  readonly isGrpc: boolean;
}

export interface HealthReport {
  readonly isHealthy: boolean;
  /** One line: the daemon's answer, or why there is none. */
  readonly text: string;
}

/** Never rejects: no answer is a report too. */
export async function probeHealth(options: HealthProbeOptions, clock: Clock): Promise<HealthReport> {
  const { host, adminHost, adminPort } = options;
  const isTls = tlsRules(options)?.plainToo === false;
  const admin = { scheme: 'http', host: adminHost, port: adminPort } as const;
  // This command has no certificate to show.
  if (tlsRules(options)?.clientCertificates === 'required') {
    return await probeHttp(options.isGrpc ? '/v1/ready' : '/v1/health', [admin]);
  }
  if (options.isGrpc) {
    const port = isTls ? options.grpcTlsPort : options.grpcPort;
    return await probeGrpc(addressesOf(host, port), isTls, clock);
  }
  const http = isTls
    ? ({ scheme: 'https', host, port: options.httpsPort } as const)
    : ({ scheme: 'http', host, port: options.httpPort } as const);
  // A daemon that serves gRPC alone has its probes on the admin port.
  return await probeHttp('/v1/health', [http, admin]);
}

async function probeGrpc(addresses: readonly string[], isTls: boolean, clock: Clock): Promise<HealthReport> {
  const { askGrpcHealth } = await import('../servers/grpc/health-client.js');
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      const status = await askGrpcHealth(clock, `${isTls ? 'https' : 'http'}://${address}`);
      return { isHealthy: status === 'SERVING', text: status };
    } catch (error) {
      failures.push(`${address}: ${(error as Error).message}`);
    }
  }
  return { isHealthy: false, text: failures.join('; ') };
}

interface Target {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

async function probeHttp(path: string, targets: readonly Target[]): Promise<HealthReport> {
  for (const { scheme, host, port } of targets) {
    for (const address of addressesOf(host, port)) {
      const report = await probeUrl(`${scheme}://${address}${path}`);
      if (report !== 'unreachable') return report;
    }
  }
  const places = targets.map(({ host, port }) => `port ${port} of ${host}`).join(' or ');
  return { isHealthy: false, text: `no server listens on ${places}` };
}

/** The server listens on another address, or this machine does not have this one's family. */
const UNREACHABLE: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/** Written by hand: `node:http` takes 9 MB, for one question and its short answer. */
function probeUrl(url: string): Promise<HealthReport | 'unreachable'> {
  return new Promise((resolve) => {
    const { host, pathname } = new URL(url);
    let answer = '';
    const fail = (error: Error): void => {
      const isUnreachable = 'code' in error && UNREACHABLE.has(error.code);
      resolve(isUnreachable ? 'unreachable' : { isHealthy: false, text: `${url}: ${error.message}` });
    };
    const socket = connectTo(url);
    socket.setEncoding('utf8');
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`));
    });
    socket.on('data', (piece: string) => (answer += piece));
    socket.on('error', fail);
    socket.on('end', () => {
      const [head = '', ...body] = answer.split('\r\n\r\n');
      const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(head)?.[1];
      if (status === undefined) fail(new Error('no answer of HTTP'));
      else resolve({ isHealthy: status === '200', text: body.join('\r\n\r\n').trim() });
    });
    socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  });
}

function connectTo(url: string): Socket {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  // The daemon is on this machine: its certificate and name need no check.
  return protocol === 'https:'
    ? process
        .getBuiltinModule('node:tls')
        .connect({ host, port: Number(port || 443), rejectUnauthorized: false })
    : process.getBuiltinModule('node:net').connect({ host, port: Number(port || 80) });
}

/** Addresses that reach a server on `host` from this machine. A server on every address may have one family only. */
export function addressesOf(host: string, port: number): readonly string[] {
  const isEither = ['::', '0.0.0.0', '127.0.0.1'].includes(host);
  const hosts = isEither ? ['127.0.0.1', '[::1]'] : [host.includes(':') ? `[${host}]` : host];
  return hosts.map((each) => `${each}:${port}`);
}
