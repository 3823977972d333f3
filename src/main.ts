#!/usr/bin/env node
// The process: arguments and environment in, signals in, exit status out. The one door to the world outside.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { startApp, type App } from './app/app.js';
import { readCommandLine } from './cli.js';
import {
  loadConfig,
  loadSettings,
  type Config,
  type Loaded,
  type Surroundings,
} from './config/load-config.js';
import type { CommandLine } from './config/command-line.js';
import { readPinnedKeys } from './config/pinned-keys.js';
import { systemClock } from './domain/clock.js';
import { probeHealth } from './health-probe.js';
import { createLogger, standardOutput, type Logger } from './observability/logger.js';

const EXIT_BROKEN = 1;
const EXIT_WRONG_OPTIONS = 2;
const EXIT_BY_SIGNAL = 128;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

const around: Surroundings = {
  env: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  hostName: hostname(),
};

async function main(): Promise<void> {
  const version = readVersion();
  const typed = readCommandLine(process.argv.slice(2), version);
  switch (typed.kind) {
    case 'told':
      process.stdout.write(typed.text);
      return;
    case 'health':
      await runHealth(typed.line);
      return;
    case 'run': {
      const config = orFaults(loadConfig(typed.line, around));
      if (config !== undefined) await runDaemon(config, version);
    }
  }
}

async function runHealth(line: CommandLine): Promise<void> {
  const values = orFaults(loadSettings(line, around));
  if (values === undefined) return;
  const report = await probeHealth({ host: values.host, port: values.httpPort });
  process.stdout.write(`${report.text}\n`);
  process.exitCode = report.isHealthy ? 0 : EXIT_BROKEN;
}

async function runDaemon(config: Config, version: string): Promise<void> {
  const log = createLogger(standardOutput(), {
    debug: config.debugLogging,
    instanceName: config.instanceName,
    version,
  });
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'unhandled error: the process ends');
    process.exit(EXIT_BROKEN);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  const starting = startApp(config, { clock: systemClock, log, version });
  // Before the start is done: a signal that comes during it waits for its end.
  stopOnSignals(starting, log);
  process.on('SIGHUP', () => {
    void starting.then((app) => repin(app, config, log));
  });
  try {
    await starting;
  } catch (error) {
    log.fatal({ err: error }, 'cannot start');
    process.exit(EXIT_BROKEN);
  }
}

/** The first signal stops in good order, the second at once. */
function stopOnSignals(starting: Promise<App>, log: Logger): void {
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) {
        log.warn({ signal }, 'second signal: the process ends at once');
        process.exit(EXIT_BY_SIGNAL + SIGNAL_NUMBERS[signal]);
      }
      isStopping = true;
      log.info({ signal }, 'stopping');
      // A failed stop is an unhandled rejection: logged, exit status 1.
      void starting
        .then((app) => app.stop())
        .then(() => {
          log.info('stopped');
          process.exit(0);
        });
    });
  }
}

/** SIGHUP: the keys file is read again; a faulty one changes nothing. */
async function repin(app: App, config: Config, log: Logger): Promise<void> {
  const { sdkKeys, faults } = readPinnedKeys(config, around.readFile);
  if (faults.length > 0) {
    log.error({ faults }, 'SDK keys file not taken over: the keys pinned before stay');
    return;
  }
  log.info({ pinnedSdkKeys: sdkKeys.size }, 'SDK keys file read again');
  await app.pin(sdkKeys);
}

function orFaults<Result>(loaded: Loaded<Result>): Result | undefined {
  if (loaded.kind === 'loaded') return loaded.config;
  const lines = loaded.faults.map((fault) => `  ${fault}\n`).join('');
  process.stderr.write(`spec-forward-proxy: wrong options\n${lines}See spec-forward-proxy --help.\n`);
  process.exitCode = EXIT_WRONG_OPTIONS;
  return undefined;
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) return 'unknown';
  return String(manifest.version);
}

await main();
