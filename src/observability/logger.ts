// The logger: JSON lines, one for each thing that changed; the one door to pino.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

/** `debug` adds a line per event; see `proxy-events.ts`. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggerOptions {
  /** Lines of less weight are left out. */
  readonly level: LogLevel;
  readonly instanceName: string;
  readonly version: string;
}

/** Fields come first, then a sentence. No field holds a whole SDK key, a body, or a URL with a key in it. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

export function createLogger(destination: DestinationStream, options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { instance: options.instanceName, version: options.version },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** The text of a foreign error may contain a URL with a key in it. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: maskSdkKeysIn(String(error)) };
  return {
    type: error.name,
    message: maskSdkKeysIn(error.message),
    stack: maskSdkKeysIn(error.stack ?? ''),
    ...('code' in error ? { code: maskSdkKeysIn(String(error.code)) } : {}),
  };
}
