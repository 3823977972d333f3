// The whole app in this process, on free loopback ports, configured as a user would: by options and environment.
import { readFileSync } from 'node:fs';
import { startApp, type App } from '../../src/app/app.js';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig } from '../../src/config/load-config.js';
import { systemClock, type Clock } from '../../src/domain/clock.js';
import type { Lookup } from '../../src/network/addresses.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../e2e/deadline.js';
import { rawRequest } from './raw-request.js';
import { testUser } from './test-user.js';
import { LogSink } from './log-sink.js';

export const SDK_KEY = 'secret-testkey0123456789';

export interface TestProxy {
  readonly app: App;
  /** Of the HTTP server, where the mode has one. */
  readonly url: string;
  /** Host and port of the gRPC server, where the mode has one. */
  readonly grpcAddress: string;
  readonly adminUrl: string;
  /** With TLS. */
  readonly httpsUrl: string;
  readonly grpcTlsAddress: string;
  readonly logs: LogSink;
}

/** Stops it once its backups are written, for which a stop waits less than a second: a busy machine may take longer. */
export async function stopWhenSaved({ app, adminUrl }: TestProxy): Promise<void> {
  await eventually('end of writing to backups', async () => {
    const { text } = await rawRequest(`${adminUrl}/status`);
    const { backupsToWrite } = JSON.parse(text) as {
      readonly backupsToWrite: Readonly<Record<string, number>>;
    };
    return Object.values(backupsToWrite).every((count) => count === 0);
  });
  await app.stop();
}

export interface TestProxyOptions {
  readonly origin: string;
  /** Of log events; the same where left out. */
  readonly eventOrigin?: string;
  /** `http` where left out. */
  readonly mode?: 'http' | 'grpc' | 'grpc-and-http';
  /** `disabled` where left out. */
  readonly cache?: 'disabled' | 'redis' | 'local';
  /** Typed after MODE and CACHE. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  /** Without a limit where left out. */
  readonly openFilesMax?: number;
  /** The system's where left out. */
  readonly lookup?: Lookup;
  /** Without a limit where left out. */
  readonly memoryBytesMax?: number;
}

export async function startProxy(options: TestProxyOptions): Promise<TestProxy> {
  const ports = ['--http-port', '0', '--grpc-port', '0', '--admin-port', '0'];
  ports.push('--https-port', '0', '--grpc-tls-port', '0');
  const args = [options.mode ?? 'http', options.cache ?? 'disabled', '--host', '127.0.0.1', ...ports];
  const eventOrigin = options.eventOrigin ?? options.origin;
  const origins = ['--statsig-endpoint', options.origin, '--log-event-statsig-endpoint', eventOrigin];
  const idLists = ['--id-lists-statsig-endpoint', options.origin];
  const typed = readCommandLine([...args, ...origins, ...idLists, ...(options.args ?? [])], '0.0.0');
  if (typed.kind !== 'run') throw new Error('not a daemon');
  const around = {
    env: { HOSTNAME: 'test-replica', ...options.env },
    readFile: (path: string) => readFileSync(path, 'utf8'),
    hostName: 'test-host',
    nowMs: Date.now(),
    fallbackDataDir: '/nonexistent',
    folderFault: () => undefined,
  };
  const loaded = loadConfig(typed.line, around);
  if (loaded.kind === 'faults') throw new Error(loaded.faults.join('; '));
  const logs = new LogSink();
  const { logLevel: level, instanceName } = loaded.config;
  const log = createLogger(logs, { level, instanceName, version: '0.0.0' });
  const app = await startApp(loaded.config, {
    clock: options.clock ?? systemClock,
    log,
    version: '0.0.0',
    user: testUser(),
    openFilesMax: options.openFilesMax ?? Infinity,
    ...(options.lookup && { lookup: options.lookup }),
    memoryBytesMax: options.memoryBytesMax ?? Infinity,
  });
  return {
    app,
    url: `http://127.0.0.1:${String(app.httpPort)}`,
    grpcAddress: `127.0.0.1:${String(app.grpcPort)}`,
    httpsUrl: `https://localhost:${String(app.httpsPort)}`,
    grpcTlsAddress: `localhost:${String(app.grpcTlsPort)}`,
    adminUrl: `http://127.0.0.1:${app.adminPort}`,
    logs,
  };
}
