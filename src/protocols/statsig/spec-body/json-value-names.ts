// Finds the values that a JSON spec names, in its members `remoteConfigMetadata`, while it arrives in pieces.
// Source: src/specs_adapter/remote_config_value_hydrator/{json,metadata}.rs of the crate oai-statsig-rust.
import type { NamedValue } from '../../../domain/named-value.js';
import { COLON, OPEN_OBJECT } from '../../../json/json-bytes.js';
import { endOfValue, skipSpace } from '../../../json/json-slices.js';
import { ValueNames } from './value-names.js';

/** With its quotes, which cannot stand in a string without a backslash before each. */
const NAME = Buffer.from('"remoteConfigMetadata"');
/**
 * The part of the name that is searched for. Node looks for fewer than eight bytes by their first one, which is fast where that
 * byte is rare; a search for the whole name, whose first and last byte are quotes, takes eight times as long.
 */
const SEARCHED = Buffer.from('Metadat');
const SEARCHED_AT = NAME.indexOf(SEARCHED);
/** From the name to the end of its value: SDKs know four short members. */
const MEMBER_BYTES_MAX = 2_048;
/** Of a piece: what is joined with the end of the one before, to see a member whole that began there. */
const JOINED_BYTES = 2 * MEMBER_BYTES_MAX;

/**
 * Looks for the name wherever it stands, and does not know of the grammar: that is checked by another reader of the same
 * bytes. What looks like such a member within a config's own value costs one fetch that nobody needs.
 */
export class JsonValueNames {
  readonly #names = new ValueNames();
  /** The end of what was read, in which a member may have begun. */
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Uint8Array): void {
    const rest = this.#rest;
    let text = asBuffer(bytes);
    if (text.length <= JOINED_BYTES) text = Buffer.concat([rest, text]);
    else if (rest.length > 0) this.#read(Buffer.concat([rest, text.subarray(0, JOINED_BYTES)]), rest.length);
    this.#rest = Buffer.from(text.subarray(this.#read(text)));
  }

  get found(): readonly NamedValue[] {
    return this.#names.found;
  }

  /** Takes members that begin before `until`. Returns how much of the text need not be looked at again. */
  #read(text: Buffer, until = text.length): number {
    for (let at = nextName(text, 0); at >= 0 && at < until; at = nextName(text, at + NAME.length)) {
      const value = metadataAt(text, at + NAME.length);
      // More of the body follows in any case: at the end of the text, the value may go on.
      if (value === 'unfinished' && text.length - at < MEMBER_BYTES_MAX) return at;
      if (value !== undefined && value !== 'unfinished') this.#take(value);
    }
    return Math.max(0, text.length - NAME.length + 1);
  }

  /** Of a default value there are two forms: flat as in rules, and one level deeper. */
  #take(value: Buffer): void {
    const metadata = parseMembers(value);
    const { sha256, byteLength } = 'sha256' in metadata ? metadata : membersOf(metadata['defaultValue']);
    this.#names.add(sha256, byteLength);
  }
}

/** Where the first name from `from` on begins, or -1. */
function nextName(text: Buffer, from: number): number {
  let found = text.indexOf(SEARCHED, from + SEARCHED_AT);
  for (; found >= 0; found = text.indexOf(SEARCHED, found + SEARCHED.length)) {
    const at = found - SEARCHED_AT;
    if (NAME.equals(text.subarray(at, at + NAME.length))) return at;
  }
  return -1;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The object that is the value of the member whose name ends at `from`. */
function metadataAt(text: Buffer, from: number): Buffer | 'unfinished' | undefined {
  const colonAt = skipSpace(text, from);
  const valueAt = skipSpace(text, colonAt + 1);
  if (colonAt < text.length && text[colonAt] !== COLON) return undefined;
  if (valueAt >= text.length) return 'unfinished';
  if (text[valueAt] !== OPEN_OBJECT) return undefined;
  const window = text.subarray(0, valueAt + MEMBER_BYTES_MAX);
  const end = endOfValue(window, valueAt);
  if (end >= window.length) return window.length < text.length ? undefined : 'unfinished';
  return text.subarray(valueAt, end);
}

type Members = Readonly<Record<string, unknown>>;

function parseMembers(value: Buffer): Members {
  try {
    return membersOf(JSON.parse(value.toString()));
  } catch {
    // No JSON: the reader that checks the grammar refuses the whole body.
    return {};
  }
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}
