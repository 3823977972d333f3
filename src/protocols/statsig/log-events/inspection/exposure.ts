// What makes two exposures the same: the minute, the whole user and device, what was looked at, by which rule, with which value.
import { createHash } from 'node:crypto';
import { isObject, membersOf, textOf, type Slice } from '../../../../json/json-slices.js';

/** Events of these names are exposures; the member of their metadata that names what was looked at. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['"statsig::gate_exposure"', 'gate'],
  ['"statsig::config_exposure"', 'config'],
  ['"statsig::layer_exposure"', 'config'],
]);
/** In the metadata: the rule is asked for, the others are there by the kind of exposure. */
const RULE = 'ruleID';
const VALUES: readonly string[] = [
  'gateValue',
  'rulePassed',
  'allocatedExperiment',
  'parameterName',
  'isExplicitParameter',
  'isManualExposure',
];
const MINUTE_MS = 60_000;
/** 128 bits: two of a billion exposures are the same by accident once in 10^20 times. */
const FINGERPRINT_BYTES = 16;
const ABSENT = '';

/** Every exposure's text holds this, however it is compressed: a batch without it need not be looked through. */
export const EXPOSURE_MARK = Buffer.from('_exposure"');

/** The sender of a batch: the same for all its events. */
export interface Sender {
  readonly sdkKey: string;
  /** As it is written, with its quotes; empty for none. */
  readonly stableId: string;
}

/** Undefined where it is not plain which stable ID is meant. `metadata`: what stands beside the events. */
export function findSender(sdkKey: string, text: Buffer, metadata: Slice | undefined): Sender | undefined {
  if (!isObject(text, metadata)) return { sdkKey, stableId: ABSENT };
  const members = membersOf(text, metadata.from);
  if (members === undefined) return undefined;
  const stableId = members.get('stableID');
  return { sdkKey, stableId: stableId === undefined ? ABSENT : textOf(text, stableId) };
}

/**
 * A short text that is the same for exposures that are the same; undefined for every other event, and for an exposure
 * that is not understood. Values are compared as they are written: numbers beyond 2^53 stay apart.
 */
export function exposureFingerprint(sender: Sender, text: Buffer, event: Slice): string | undefined {
  if (!isObject(text, event)) return undefined;
  const members = membersOf(text, event.from);
  if (members === undefined) return undefined;
  const written = (slice: Slice | undefined): string => (slice === undefined ? ABSENT : textOf(text, slice));
  const eventName = written(members.get('eventName'));
  const namedBy = NAMED_BY.get(eventName);
  const minute = toMinute(written(members.get('time')));
  const metadataSlice = members.get('metadata');
  if (namedBy === undefined || minute === undefined || !isObject(text, metadataSlice)) return undefined;
  const metadata = membersOf(text, metadataSlice.from);
  const [name, rule] = [metadata?.get(namedBy), metadata?.get(RULE)];
  if (metadata === undefined || name === undefined || rule === undefined) return undefined;
  const parts = [
    sender.sdkKey,
    sender.stableId,
    eventName,
    String(minute),
    written(members.get('user')),
    written(members.get('statsigMetadata')),
    written(name),
    written(rule),
    written(members.get('value')),
    ...VALUES.map((value) => written(metadata.get(value))),
  ];
  // No part holds a line break: JSON strings cannot, and numbers and literals do not. An object may, between its
  // members, which only makes two look different that are not.
  const hash = createHash('sha256').update(parts.join('\n'), 'latin1').digest();
  return hash.toString('latin1', 0, FINGERPRINT_BYTES);
}

/** Milliseconds in any form of JSON number. */
function toMinute(written: string): number | undefined {
  if (!/^-?\d/.test(written)) return undefined;
  const minute = Math.floor(Number(written) / MINUTE_MS);
  return Number.isFinite(minute) ? minute : undefined;
}
