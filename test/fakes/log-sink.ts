// Where a test's log lines go: kept, parsed, and waited for.
import { createLogger, type Logger } from '../../src/observability/logger.js';

export type LogLine = Readonly<Record<string, unknown>>;

export class LogSink {
  readonly lines: LogLine[] = [];
  readonly #waiting: { matches: (line: LogLine) => boolean; resolve: (line: LogLine) => void }[] = [];

  /** pino's destination. */
  write(text: string): void {
    const line = JSON.parse(text) as LogLine;
    this.lines.push(line);
    for (const entry of this.#waiting) if (entry.matches(line)) entry.resolve(line);
  }

  /** The first line that matches, of those already written or those to come. */
  waitFor(matches: (line: LogLine) => boolean): Promise<LogLine> {
    const known = this.lines.find(matches);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#waiting.push({ matches, resolve });
    });
  }

  withMessage(message: string): LogLine[] {
    return this.lines.filter((line) => line['msg'] === message);
  }

  get text(): string {
    return this.lines.map((line) => JSON.stringify(line)).join('\n');
  }
}

/** A real log; without a sink for tests that look at none of its lines. */
export function createTestLog(sink = new LogSink()): Logger {
  return createLogger(sink, { level: 'info', instanceName: 'test', version: '0' });
}
