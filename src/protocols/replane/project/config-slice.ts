// One config as the origin wrote it: cut out of a frame, its name read, and nothing else of it changed but what SDKs stumble over.
import { isUtf8 } from 'node:buffer';
import { BodyFault } from '../../../domain/body-reader.js';
import { CLOSE_OBJECT, OPEN_ARRAY, OPEN_OBJECT } from '../../../json/json-bytes.js';
import { JsonScanner } from '../../../json/json-scanner.js';
import { membersOf, type Slice } from '../../../json/json-slices.js';

export interface ConfigSlice {
  readonly name: string;
  /** One line of JSON. */
  readonly raw: Buffer;
}

const LINE_ENDS = [0x0a, 0x0d] as const;
const SPACE = 0x20;
const NO_OVERRIDES = Buffer.from('"overrides":[]');
const COMMA = Buffer.from(',');
const CLOSING = Buffer.from('}');

/** Throws where the text is not a JSON object, or not UTF-8. */
export function checkJson(text: Buffer): void {
  if (!isUtf8(text)) throw new BodyFault('not_utf8', 'the text is not UTF-8');
  const scanner = new JsonScanner([]);
  scanner.push(text);
  scanner.end();
}

/** The config at this place of a text that was checked. Throws where it is none. */
export function cutConfig(text: Buffer, slice: Slice): ConfigSlice {
  if (text[slice.from] !== OPEN_OBJECT) throw noConfig('is not an object');
  const raw = inOneLine(text.subarray(slice.from, slice.to));
  const members = membersOf(raw, 0);
  // Names written with escapes, or twice: then only a parser knows what SDKs read in it.
  if (members === undefined) return parsedConfig(raw);
  const name = nameIn(raw, members.get('name'));
  const overrides = members.get('overrides');
  if (overrides !== undefined && raw[overrides.from] === OPEN_ARRAY) return { name, raw };
  return { name, raw: withOverrides(raw, overrides, members.size > 0) };
}

function nameIn(raw: Buffer, slice: Slice | undefined): string {
  const name: unknown = slice && JSON.parse(raw.toString('utf8', slice.from, slice.to));
  if (typeof name !== 'string') throw noConfig('has no name');
  return name;
}

function parsedConfig(raw: Buffer): ConfigSlice {
  const parsed = JSON.parse(raw.toString()) as { readonly name?: unknown; readonly overrides?: unknown };
  if (typeof parsed.name !== 'string') throw noConfig('has no name');
  if (Array.isArray(parsed.overrides)) return { name: parsed.name, raw };
  return { name: parsed.name, raw: Buffer.from(JSON.stringify({ ...parsed, overrides: [] })) };
}

/** SDKs in JavaScript fail at every reading of a config whose overrides are no list. */
function withOverrides(raw: Buffer, present: Slice | undefined, hasMembers: boolean): Buffer {
  if (present !== undefined) {
    return Buffer.concat([raw.subarray(0, present.from), Buffer.from('[]'), raw.subarray(present.to)]);
  }
  const end = raw.lastIndexOf(CLOSE_OBJECT);
  return Buffer.concat([raw.subarray(0, end), ...(hasMembers ? [COMMA] : []), NO_OVERRIDES, CLOSING]);
}

/** The same members with the same bytes: Replane writes those of a change in another order than those of `init`. */
export function hasSameMembers(left: Buffer, right: Buffer): boolean {
  if (left.length !== right.length) return false;
  if (left.equals(right)) return true;
  const [members, others] = [membersOf(left, 0), membersOf(right, 0)];
  if (members === undefined || members.size !== others?.size) return false;
  return [...members].every(([name, { from, to }]) => {
    const other = others.get(name);
    return other !== undefined && left.subarray(from, to).equals(right.subarray(other.from, other.to));
  });
}

/** Line breaks stand between tokens only, where a space does as well; in a frame they would end its data. */
function inOneLine(raw: Buffer): Buffer {
  if (LINE_ENDS.every((lineEnd) => !raw.includes(lineEnd))) return raw;
  const line = Buffer.from(raw);
  for (const lineEnd of LINE_ENDS) {
    for (let at = line.indexOf(lineEnd); at >= 0; at = line.indexOf(lineEnd, at + 1)) line[at] = SPACE;
  }
  return line;
}

function noConfig(what: string): BodyFault {
  return new BodyFault('not_json', `a config ${what}`);
}
