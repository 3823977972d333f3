// One test's stage for files of ID lists: copies in a place, an origin that is scripted, a clock that is turned by hand.
import assert from 'node:assert/strict';
import type { CopyPlace } from '../../../../src/protocols/statsig/id-lists/copy-place.js';
import { IdListFiles } from '../../../../src/protocols/statsig/id-lists/id-list-files.js';
import type { IdListFile } from '../../../../src/protocols/statsig/id-lists/id-list-file.js';
import type { FileReading, FileWish } from '../../../../src/protocols/statsig/id-lists/file-reading.js';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { LogSink } from '../../../fakes/log-sink.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { ScriptedOrigin } from './scripted-origin.js';

export interface FileScene {
  readonly origin: ScriptedOrigin;
  readonly files: IdListFiles;
  readonly clock: ManualClock;
  readonly sink: LogSink;
  /** Reads the file to its end: `bytes 10: +a+b`, `past-end 10`, or the reason why not. */
  readonly read: (file: IdListFile, wish?: Partial<FileWish>) => Promise<string>;
}

export function buildScene(bytesMax: number, place: CopyPlace = new MemoryPlace()): FileScene {
  const origin = new ScriptedOrigin();
  const clock = new ManualClock();
  const sink = new LogSink();
  const log = createLogger(sink, { level: 'info', instanceName: 'test', version: '1.2.3' });
  const files = new IdListFiles(clock, log, origin, place, { bytesMax });
  const read = async (file: IdListFile, wish: Partial<FileWish> = {}): Promise<string> =>
    await toText(await files.read(file, { fromByte: 0, bytesMin: 0, ...wish }));
  return { origin, files, clock, sink, read };
}

export async function toText(reading: FileReading): Promise<string> {
  if (reading.kind === 'failed') return reading.reason;
  if (reading.kind === 'past-end') return `past-end ${reading.totalBytes}`;
  return `bytes ${reading.totalBytes}: ${(await readAll(reading.body)).toString()}`;
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function fileNamed(name: string): IdListFile {
  return { name: name.padEnd(43, '_'), url: `https://files.invalid/${name}?sig=secret` };
}

/** So many lines of ten bytes, told apart by their list. */
export function lines(list: string, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1) text += `+${list}${String(at).padStart(7, '0')}\n`;
  return text;
}

/** Of what is counted, these and whatever else. */
export function assertHas(counted: object, expected: Readonly<Record<string, unknown>>): void {
  const among = Object.fromEntries(Object.entries(counted).filter(([name]) => name in expected));
  assert.deepEqual(among, expected);
}
