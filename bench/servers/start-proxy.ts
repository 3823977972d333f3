// Starts the proxy itself in a benchmark server's process, with the options of a user, on free loopback ports.
import { startApp, type App } from '../../src/app/app.js';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig } from '../../src/config/load-config.js';
import { systemClock } from '../../src/domain/clock.js';
import { createLogger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';

export interface ProxyOptions {
  readonly origin: string;
  readonly args?: readonly string[];
  /** `disabled` where left out. */
  readonly cache?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What any file that an option names holds; empty where left out. */
  readonly fileText?: string;
  /** What files hold, by their paths, where they differ. */
  readonly files?: Readonly<Record<string, string>>;
  /** Events end nowhere, not even in /metrics. */
  readonly recordsNothing?: boolean;
  /** Of this instance: replicas of one fleet have different ones. */
  readonly name?: string;
}

/** `json`: ProxyOptions, as the parent process handed them over. */
export async function startProxy(
  mode: 'http' | 'grpc' | 'grpc-and-http',
  json: string | undefined,
): Promise<App> {
  const options = JSON.parse(json ?? '{}') as ProxyOptions;
  const {
    origin,
    args = [],
    cache = 'disabled',
    env = {},
    name = 'bench',
    fileText = '',
    files = {},
  } = options;
  const ports = ['--http-port', '0', '--grpc-port', '0', '--admin-port', '0'];
  const fixed = [mode, cache, '--host', '127.0.0.1', ...ports];
  if (options.recordsNothing === true) Metrics.prototype.record = () => undefined;
  const typed = readCommandLine([...fixed, '--statsig-endpoint', origin, ...args], 'bench');
  if (typed.kind !== 'run') throw new Error('wrong options');
  const loaded = loadConfig(typed.line, {
    env,
    hostName: name,
    nowMs: Date.now(),
    fallbackDataDir: '/nonexistent',
    folderFault: () => undefined,
    readFile: (path) => files[path] ?? fileText,
  });
  if (loaded.kind === 'faults') throw new Error(loaded.faults.join('; '));
  const silent = { write: () => undefined };
  const log = createLogger(silent, { level: 'info', instanceName: name, version: 'bench' });
  const limits = { openFilesMax: Infinity, memoryBytesMax: Infinity };
  const world = { clock: systemClock, log, version: 'bench', user: undefined, ...limits };
  return await startApp(loaded.config, world);
}
