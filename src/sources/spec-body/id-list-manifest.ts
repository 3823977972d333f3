// The manifest of ID lists, `{"<name>": {"size", "url", "fileID", …}}`: what it says of each list, and where in it.
import { eachMember, isObject, skipSpace, textOf, type Slice } from './json-slices.js';
import { BodyFault } from '../../domain/body-reader.js';

export interface ListedFile {
  /** The list's. */
  readonly listName: string;
  /** Where its file is; anything that an origin writes there. */
  readonly url: string;
  /** Another one is another file, to be read from its beginning; empty where none is named. */
  readonly fileId: string;
  /** How many bytes of the file there are at least. */
  readonly bytes: number;
  /** Where in the manifest the url stands, quotes included: more than once only where it is named more than once. */
  readonly urlSlices: readonly Slice[];
  /** The same for the number of bytes. */
  readonly sizeSlices: readonly Slice[];
}

/** Of a list's members; the values of others are passed over. */
const WANTED: readonly string[] = ['url', 'size', 'fileID'];
/** `fileID` with its quotes, each character as `\uXXXX`. */
const WANTED_NAME_BYTES_MAX = 38;

/**
 * `text` is JSON with an object at its top. Throws a BodyFault where a member is no list: core SDKs refuse a manifest
 * whose lists lack `size` or `url`, and an error's body that came with status 200 would let others drop every list.
 */
export function readManifest(text: Buffer): ListedFile[] {
  const files: ListedFile[] = [];
  for (const { name, value } of eachMember(text, skipSpace(text, 0))) {
    if (!isObject(text, value)) throw noManifest();
    files.push(readList(text, parse(text, name) as string, value));
  }
  return files;
}

/** Of a member that is named twice the last counts, as JSON.parse has it. */
function readList(text: Buffer, listName: string, list: Slice): ListedFile {
  const values = new Map<string, unknown>();
  const urlSlices: Slice[] = [];
  const sizeSlices: Slice[] = [];
  for (const { name, value } of eachMember(text, list.from)) {
    const wanted = wantedName(text, name);
    if (wanted === undefined) continue;
    values.set(wanted, parse(text, value));
    if (wanted === 'url') urlSlices.push(value);
    if (wanted === 'size') sizeSlices.push(value);
  }
  const [url, bytes, fileId] = [values.get('url'), values.get('size'), values.get('fileID') ?? ''];
  if (typeof url !== 'string' || url === '' || typeof fileId !== 'string') throw noManifest();
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) throw noManifest();
  return { listName, url, fileId, bytes, urlSlices, sizeSlices };
}

function wantedName(text: Buffer, name: Slice): string | undefined {
  if (name.to - name.from > WANTED_NAME_BYTES_MAX) return undefined;
  const written = textOf(text, { from: name.from + 1, to: name.to - 1 });
  const unescaped = written.includes('\\') ? (parse(text, name) as string) : written;
  return WANTED.find((wanted) => wanted === unescaped);
}

function parse(text: Buffer, { from, to }: Slice): unknown {
  return JSON.parse(text.toString('utf8', from, to));
}

function noManifest(): BodyFault {
  return new BodyFault('no_id_lists', 'the body is no list of ID lists');
}
