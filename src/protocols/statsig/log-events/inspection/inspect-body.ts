// Looks into a body: is it a batch, and which of its exposures are known. For a thread of its own: it blocks meanwhile.
import { gzipSync } from 'node:zlib';
import { OPEN_ARRAY } from '../../../../json/json-bytes.js';
import { JSON_ARRAY } from '../../../../json/json-members.js';
import { JsonScanner } from '../../../../json/json-scanner.js';
import { BodyFault } from '../../../../domain/body-reader.js';
import { decodeBody } from './body-decoder.js';
import { EXPOSURE_MARK, exposureFingerprint, findSender } from './exposure.js';
import type { Inspection, InspectionRequest } from './inspection.js';
import {
  elementsOf,
  endOfValue,
  membersOf,
  skipSpace,
  type List,
  type Slice,
} from '../../../../json/json-slices.js';

/** A larger text is checked, and passed on with all its events: compressing it anew would hold up the others. */
const DEDUPED_BYTES_MAX = 16 * 1024 * 1024;
/** So does one with more events: no SDK sends so many, and each of them takes memory while it is looked at. */
const DEDUPED_EVENTS_MAX = 100_000;

export interface InspectBodyOptions {
  /** Of the text, decompressed. */
  readonly decodedBytesMax: number;
}

export interface LookedInto {
  readonly inspection: Inspection;
  /** Fingerprints of the exposures that stay in the batch: to be remembered once it is kept. */
  readonly exposures: readonly string[];
}

/** `isKnown` says whether an exposure was sent before; undefined where nothing is to be left out. */
export function inspectBody(
  { sdkKey, body, coding }: InspectionRequest,
  isKnown: ((fingerprint: string) => boolean) | undefined,
  { decodedBytesMax }: InspectBodyOptions,
): LookedInto {
  const decoded = decodeBody(body, coding, decodedBytesMax);
  switch (decoded.kind) {
    case 'unknown-coding':
      return found({ kind: 'unread', reason: 'coding' });
    case 'too-large':
      return found({ kind: 'too-large' });
    case 'broken':
      return found({ kind: 'invalid', message: `The body is not valid ${coding} data.` });
    case 'decoded': {
      const fault = findFault(decoded.text);
      if (fault !== undefined) return found({ kind: 'invalid', message: fault });
      if (isKnown === undefined) return found(WHOLE);
      return leaveOutKnown(sdkKey, bytesOf(decoded.text), isKnown);
    }
  }
}

const WHOLE: Inspection = { kind: 'batch', dropped: 0, rest: undefined };

function found(inspection: Inspection): LookedInto {
  return { inspection, exposures: [] };
}

/** What keeps the text from being a batch, in words. */
function findFault(text: Uint8Array): string | undefined {
  const scanner = new JsonScanner(['events']);
  try {
    scanner.push(text);
    if (scanner.end().get('events') === JSON_ARRAY) return undefined;
  } catch (error) {
    if (error instanceof BodyFault) return 'The body is not a JSON object: send {"events": […], …}.';
    throw error;
  }
  return 'The body has no array of events: send {"events": […], …}.';
}

function leaveOutKnown(sdkKey: string, text: Buffer, isKnown: (fingerprint: string) => boolean): LookedInto {
  if (text.length > DEDUPED_BYTES_MAX || !text.includes(EXPOSURE_MARK)) return found(WHOLE);
  const parts = partsOf(text);
  const sender = parts && findSender(sdkKey, text, parts.metadata);
  if (parts === undefined || sender === undefined) return found(WHOLE);
  const { list } = parts;
  const events = list.elements;
  const exposures = new Set<string>();
  const marks = new Marks(text);
  const kept = events.filter((event) => {
    const fingerprint = marks.isIn(event) ? exposureFingerprint(sender, text, event) : undefined;
    if (fingerprint === undefined) return true;
    // One that stands twice in the same batch is sent once as well.
    if (exposures.has(fingerprint) || isKnown(fingerprint)) return false;
    exposures.add(fingerprint);
    return true;
  });
  const dropped = events.length - kept.length;
  if (dropped === 0) return { inspection: WHOLE, exposures: [...exposures] };
  const rest = { body: gzipSync(withOnly(text, list, kept)), events: kept.length };
  return { inspection: { kind: 'batch', dropped, rest }, exposures: [...exposures] };
}

interface Parts {
  readonly list: List;
  /** Of the SDK, beside the events. */
  readonly metadata: Slice | undefined;
}

/** The text, gone over once; undefined where it is not plain which events are meant. */
function partsOf(text: Buffer): Parts | undefined {
  let list: List | undefined;
  const members = membersOf(text, skipSpace(text, 0), (name, from) => {
    if (name !== 'events' || text[from] !== OPEN_ARRAY) return endOfValue(text, from);
    list = elementsOf(text, from, DEDUPED_EVENTS_MAX);
    return list?.to ?? endOfValue(text, from);
  });
  if (members === undefined || list === undefined) return undefined;
  return { list, metadata: members.get('statsigMetadata') };
}

/** Where the mark of exposures stands: searched for natively, so that other events cost nothing. */
class Marks {
  readonly #text: Buffer;
  #next = -1;

  constructor(text: Buffer) {
    this.#text = text;
  }

  /** To be asked of slices in the order they stand in. */
  isIn({ from, to }: Slice): boolean {
    if (this.#next < from) {
      const found = this.#text.indexOf(EXPOSURE_MARK, from);
      this.#next = found < 0 ? Infinity : found;
    }
    return this.#next < to;
  }
}

/** The text with fewer events: what stays of it stays byte for byte. */
function withOnly(bytes: Buffer, list: Slice, kept: readonly Slice[]): Buffer {
  const pieces: Uint8Array[] = [bytes.subarray(0, list.from + 1)];
  for (const [index, { from, to }] of kept.entries()) {
    if (index > 0) pieces.push(COMMA);
    pieces.push(bytes.subarray(from, to));
  }
  pieces.push(bytes.subarray(list.to - 1));
  return Buffer.concat(pieces);
}

const COMMA = Buffer.from(',');

function bytesOf(text: Uint8Array): Buffer {
  return Buffer.from(text.buffer, text.byteOffset, text.length);
}
