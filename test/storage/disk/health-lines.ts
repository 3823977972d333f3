// What the log tells of the data folder's health, and how to find it there.
import type { LogLine } from '../../fakes/log-sink.js';
import type { DiskPlace } from './disk-place.js';

export const READS_FAIL = 'data folder fails: what is stored there cannot be read';
export const READS_WORK = 'data folder works again: what is stored there can be read';
export const WRITES_FAIL = 'data folder fails: specs are kept in memory only, and a restart needs the origin';
export const WRITES_WORK = 'data folder works again: specs are kept there';

export function healthLines({ sink }: DiskPlace): readonly LogLine[] {
  return sink.lines.filter(({ msg }) => String(msg).startsWith('data folder'));
}

export function messages(place: DiskPlace): readonly unknown[] {
  return healthLines(place).map(({ msg }) => msg);
}
