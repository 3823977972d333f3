#!/usr/bin/env node
// The process: arguments and environment in, signals in, exit status out. The one door to the world outside.
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from './app/app.js';
import { readMemoryBytesMax, readOpenFilesMax } from './app/process-limits.js';
import type { World } from './app/world.js';
import type { Typed } from './cli/read-command-line.js';
import type { CommandLine } from './config/command-line.js';
import type { Config, Surroundings } from './config/load-config.js';
import type { Ignored, Loaded } from './config/load-settings.js';
import { systemClock } from './domain/clock.js';
import { nameSdkKeys } from './domain/sdk-key.js';
import type { Logger } from './observability/logger.js';

/** An import gives each of a module's exports a place, and loads what these need: megabytes, for names that `health` has no use for. */
const { readFileSync, writeSync } = process.getBuiltinModule('node:fs');

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
const EXIT_BROKEN = 1;
const EXIT_WRONG_OPTIONS = 2;
const EXIT_BY_SIGNAL = 128;
/** For log lines that are not read. */
const LAST_LINES_MS_MAX = 200;
/** For operations on files that are under way, and how often it is looked whether any is. */
const LAST_FILES_MS_MAX = 200;
const LOOK_AT_FILES_MS = 10;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Undefined where users have no numbers. */
const uid = process.getuid?.();
const gids = [process.getgid?.() ?? [], process.getgroups?.() ?? []].flat();
const user = uid === undefined ? undefined : { uid, gids };

const around: Omit<Surroundings, 'folderFault'> = {
  env: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  hostName: hostname(),
  nowMs: systemClock.nowMs(),
  // With the user's number in it: the temp dir is everybody's.
  fallbackDataDir: join(tmpdir(), `spec-forward-proxy-${uid ?? 'user'}`),
};

/**
 * What a command needs is imported when it is clear which it is: an image runs `health` every few seconds, and what the daemon
 * consists of takes a third of a second to load.
 */
async function main(): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  if (command === 'grpc-health-probe') {
    const { runGrpcHealthProbe } = await import('./cli/grpc-health-probe.js');
    const { exitStatus, text } = await runGrpcHealthProbe(rest, systemClock, around.readFile);
    writeSync(exitStatus === 0 ? STANDARD_OUTPUT : STANDARD_ERROR, `${text}\n`);
    // As for `health`.
    process.exit(exitStatus);
  }
  if (['ctl', 'audit', 'dead-letters'].includes(String(command)) && rest[0] !== '--redis') {
    await runOperator(process.argv.slice(2));
    return;
  }
  const version = readVersion();
  const typed = await readArguments(process.argv.slice(2), version);
  switch (typed.kind) {
    case 'told':
      process.stdout.write(typed.text);
      return;
    case 'health':
      await runHealth(typed.line);
      return;
    case 'run': {
      const { loadConfig } = await import('./config/load-config.js');
      const loaded = loadConfig(typed.line, await surroundings());
      const config = orFaults(loaded);
      if (config === undefined) return;
      const ignored = loaded.kind === 'loaded' ? loaded : { notices: [], asides: [] };
      await runDaemon(config, ignored, version);
      return;
    }
    default:
      await runTool(typed, await surroundings(), version);
  }
}

type ToolTyped = Extract<Typed, { readonly kind: 'doctor' | 'shadow' | 'dead-letters' }>;

type ToolOutcome =
  { readonly faults: readonly string[] } | { readonly text?: string; readonly status: number };

async function runTool(typed: ToolTyped, around: Surroundings, version: string): Promise<void> {
  switch (typed.kind) {
    case 'doctor': {
      const { doctor } = await import('./doctor/doctor.js');
      sayAndEnd(await doctor(typed.line, typed.own, around, await toolWorld(version)));
      return;
    }
    case 'shadow': {
      const { shadow } = await import('./shadow/shadow.js');
      sayAndEnd(await shadow(typed.line, typed.own, around, await toolWorld(version), abortedBySignals()));
      return;
    }
    case 'dead-letters': {
      const { printSharedDeadLetters } = await import('./app/shared-dead-letters.js');
      sayAndEnd(await printSharedDeadLetters(typed.line, around, systemClock, process));
    }
  }
}

async function readArguments(args: readonly string[], version: string): Promise<Typed> {
  const [first = '', ...rest] = args;
  if (rest.length === 0 && ['--version', '-V'].includes(first)) return { kind: 'told', text: `${version}\n` };
  if (first === 'health') {
    const { readHealthLine } = await import('./cli/read-health-line.js');
    const line = readHealthLine(rest);
    if (line !== undefined) return { kind: 'health', line };
  }
  const { readCommandLine } = await import('./cli/read-command-line.js');
  return readCommandLine(args, version, terminalColumns());
}

function abortedBySignals(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, stopping.abort.bind(stopping, undefined));
  return stopping.signal;
}

async function runOperator(args: readonly string[]): Promise<void> {
  const { runOperatorCommand } = await import('./cli/operator-command.js');
  const { exitStatus, text } = await runOperatorCommand(systemClock, args);
  (exitStatus === 0 ? process.stdout : process.stderr).write(text);
  process.exitCode = exitStatus;
}

async function runHealth(line: CommandLine): Promise<void> {
  const { loadSettings } = await import('./config/load-settings.js');
  const values = orFaults(loadSettings(line, around));
  if (values === undefined) return;
  const { probeHealth } = await import('./cli/health-probe.js');
  const report = await probeHealth({ ...values, isGrpc: values.healthGrpc }, systemClock);
  // Making `process.stdout` a stream takes 1.5 MB.
  writeSync(STANDARD_OUTPUT, `${report.text}\n`);
  // At once: Node's clean-up of HTTP/2 connections that end amid something may go on for ever (20.20 and 24.21).
  process.exit(report.isHealthy ? 0 : EXIT_BROKEN);
}

async function surroundings(): Promise<Surroundings> {
  const { folderFault } = await import('./files/folder-fault.js');
  return { ...around, folderFault };
}

/** For commands that use the daemon's rooms and print a report: what rooms have to say goes to standard error. */
async function toolWorld(version: string): Promise<World> {
  const { createLogger } = await import('./observability/logger.js');
  const instanceName = around.hostName;
  return {
    clock: systemClock,
    log: createLogger(process.stderr, { level: 'error', instanceName, version }),
    version,
    user,
    openFilesMax: readOpenFilesMax(),
    memoryBytesMax: readMemoryBytesMax(),
  };
}

/** At once: nothing waits any more for a request that hangs, such as one to the resolver. */
function sayAndEnd(outcome: ToolOutcome): void {
  if ('faults' in outcome) sayFaults(outcome.faults);
  else process.stdout.write(outcome.text ?? '', () => process.exit(outcome.status));
}

async function runDaemon(config: Config, ignored: Ignored, version: string): Promise<void> {
  const { startApp } = await import('./app/app.js');
  const { openStandardOutput } = await import('./observability/log-output.js');
  const { createLogger } = await import('./observability/logger.js');
  const { PortsUnavailable } = await import('./servers/listener/open-ports.js');
  const output = openStandardOutput(config.logFormat);
  const log = createLogger(output, {
    level: config.logLevel,
    instanceName: config.instanceName,
    version,
  });
  nameSdkKeys(config.sdkKeyNames);
  for (const notice of ignored.notices) log.warn(notice);
  for (const aside of ignored.asides) log.debug(aside);
  // Log lines are written first, unless they are not read.
  const exit = (status: number): void => {
    systemClock.schedule(LAST_LINES_MS_MAX, () => {
      end(status, systemClock.monotonicMs() + LAST_FILES_MS_MAX);
    });
    output.flush(() => {
      end(status, systemClock.monotonicMs() + LAST_FILES_MS_MAX);
    });
  };
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'unhandled error: the process ends');
    exit(EXIT_BROKEN);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  const starting = startApp(config, {
    clock: systemClock,
    log,
    version,
    user,
    openFilesMax: readOpenFilesMax(),
    memoryBytesMax: readMemoryBytesMax(),
  });
  // Before the start is done: a signal that comes during it waits for its end.
  stopOnSignals(starting, log, exit, die);
  process.on('SIGHUP', () => {
    const readAgain = (app: App): void => {
      app.readFilesAgain();
    };
    // A start that failed ends the process anyway.
    starting.then(readAgain, () => undefined);
  });
  try {
    await starting;
  } catch (error) {
    if (error instanceof PortsUnavailable) log.fatal({ faults: error.faults }, 'cannot start');
    else log.fatal({ err: error }, 'cannot start');
    exit(EXIT_BROKEN);
  }
}

/** Node waits at its exit for every operation on files that is under way: of one that hangs, only a kill is the end. */
function end(status: number, waitUntilMs: number): void {
  if (!process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq')))
    process.exit(status);
  if (systemClock.monotonicMs() >= waitUntilMs) process.kill(process.pid, 'SIGKILL');
  systemClock.schedule(LOOK_AT_FILES_MS, () => {
    end(status, waitUntilMs);
  });
}

/**
 * SIGTERM stops in good order once the shutdown delay is over, and another signal ends that delay; SIGINT comes from a person, who
 * need not wait for it. Any signal after that ends the process at once.
 */
function stopOnSignals(
  starting: Promise<App>,
  log: Logger,
  exit: (status: number) => void,
  die: (error: unknown) => void,
): void {
  let step: 'running' | 'leaving' | 'stopping' = 'running';
  let endDelay = (): void => undefined;
  const delayOver = new Promise<void>((resolve) => {
    endDelay = resolve;
  });
  const stop = async (): Promise<void> => {
    const app = await starting;
    await app.leave(delayOver);
    step = 'stopping';
    await app.stop();
    log.info('stopped');
    exit(0);
  };
  const take = (signal: keyof typeof SIGNAL_NUMBERS): void => {
    if (step === 'stopping') {
      log.warn({ signal }, 'signal again: the process ends at once');
      exit(EXIT_BY_SIGNAL + SIGNAL_NUMBERS[signal]);
      return;
    }
    const isFirst = step === 'running';
    log.info({ signal }, isFirst ? 'stopping' : 'signal again: the shutdown delay is over');
    step = isFirst && signal === 'SIGTERM' ? 'leaving' : 'stopping';
    if (step === 'stopping') endDelay();
    if (isFirst) stop().catch(die);
  };
  process.on('SIGINT', take);
  process.on('SIGTERM', take);
}

function orFaults<Result>(loaded: Loaded<Result>): Result | undefined {
  if (loaded.kind === 'loaded') return loaded.config;
  sayFaults(loaded.faults);
  return undefined;
}

function sayFaults(faults: readonly string[]): void {
  const lines = faults.map((fault) => `  ${fault}\n`).join('');
  process.stderr.write(`spec-forward-proxy: wrong options\n${lines}See spec-forward-proxy --help.\n`);
  process.exitCode = EXIT_WRONG_OPTIONS;
}

/** Undefined where the output goes elsewhere: `process.stdout` is not touched then, as it would make writes to a pipe block. */
function terminalColumns(): number | undefined {
  return process.getBuiltinModule('node:tty').isatty(STANDARD_OUTPUT) ? process.stdout.columns : undefined;
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) return 'unknown';
  return String(manifest.version);
}

await main();
