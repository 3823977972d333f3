// The `health` subcommand: asks the daemon on this machine, for images that have no shell and no curl.
import { get } from 'node:http';

const TIMEOUT_MS = 3_000;

export interface HealthProbeOptions {
  /** What the daemon listens on. */
  readonly host: string;
  readonly port: number;
}

export interface HealthReport {
  readonly isHealthy: boolean;
  /** One line: the daemon's own words, or why there are none. */
  readonly text: string;
}

export function probeHealth(options: HealthProbeOptions): Promise<HealthReport> {
  return new Promise((resolve) => {
    const url = `http://${reachable(options.host)}:${options.port}/v1/health`;
    const fail = (reason: string): void => {
      resolve({ isHealthy: false, text: `${url}: ${reason}` });
    };
    const request = get(url, { timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => {
        resolve({ isHealthy: response.statusCode === 200, text: text.trim() });
      });
      response.on('error', (error) => {
        fail(error.message);
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('error', (error) => {
      fail(error.message);
    });
  });
}

/** An address that reaches a server listening on `host` from the same machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
