// Standard output for log lines: a reader that stalls, or goes away, must not stall the process.
import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { readableLine } from './readable-log.js';

const STANDARD_OUTPUT = 1;
/** Of lines that the reader did not take yet; what comes beyond is lost. */
const UNWRITTEN_BYTES_MAX = 4 * 1024 * 1024;

export interface LogOutput {
  write(line: string): void;
  /** Calls back when what was written so far is taken, or cannot be; never where the reader stalls. */
  flush(done: () => void): void;
}

/** `auto` is `pretty` on a terminal, and `json` everywhere else. */
export type LogFormat = 'auto' | 'json' | 'pretty';

/** A pipe or a socket, as containers have it, is written behind; a file or a terminal at once. */
export function openStandardOutput(format: LogFormat): LogOutput {
  const kind = fstatSync(STANDARD_OUTPUT);
  const output = kind.isFIFO() || kind.isSocket() ? writeBehind() : writeAtOnce();
  const isPretty = format === 'auto' ? isatty(STANDARD_OUTPUT) : format === 'pretty';
  if (!isPretty) return output;
  return {
    ...output,
    write: (line) => {
      output.write(readableLine(line));
    },
  };
}

/** Through a socket of our own: Node's standard output, and its file writes, block on a pipe that is not read. */
function writeBehind(): LogOutput {
  const pipe = new Socket({ fd: STANDARD_OUTPUT, readable: false, writable: true });
  // The reader is gone: the process goes on without.
  pipe.on('error', () => undefined);
  return {
    write: (line) => {
      if (!pipe.destroyed && pipe.writableLength < UNWRITTEN_BYTES_MAX) pipe.write(line);
    },
    flush: (done) => {
      if (pipe.destroyed) done();
      else pipe.write('', done);
    },
  };
}

function writeAtOnce(): LogOutput {
  return {
    write: (line) => {
      try {
        writeSync(STANDARD_OUTPUT, line);
      } catch {
        // A full disk, a terminal that is gone: the line is lost, and there is nowhere to say so.
      }
    },
    flush: (done) => {
      done();
    },
  };
}
