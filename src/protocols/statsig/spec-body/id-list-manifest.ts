// The manifest of ID lists, `{"<name>": {"size", "url", "fileID", …}}`: what it says of each list, and the same with other urls.
import { BodyFault } from '../../../domain/body-reader.js';
import { ownBytes } from '../../../domain/own-copy.js';

export interface ListedFile {
  /** Of the list. */
  readonly listName: string;
  /** Where its file is; anything that an origin writes there. */
  readonly url: string;
  /** Another one is another file, to be read from its beginning; empty where none is named. */
  readonly fileId: string;
  /** How many bytes of the file there are at least. */
  readonly bytes: number;
}

/** Takes the place of the same members of a list. */
export interface ListChange {
  readonly url: string;
  readonly size: number;
}

/**
 * `text` is valid JSON with an object at its top. Throws a BodyFault where a member is no list: core SDKs refuse a
 * manifest whose lists lack `size` or `url`, and an error's body that came with status 200 would make others drop every list.
 */
export function readManifest(text: Uint8Array): ListedFile[] {
  return Object.entries(parse(text)).map(([listName, list]) => {
    if (typeof list !== 'object' || list === null) throw noManifest();
    const { url, size: bytes, fileID } = list as Readonly<Record<string, unknown>>;
    const fileId = fileID ?? '';
    if (typeof url !== 'string' || url === '' || typeof fileId !== 'string') throw noManifest();
    if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) throw noManifest();
    return { listName, url, fileId, bytes };
  });
}

/** `changes`: by the names of lists that are there. Everything else keeps its value; `text` is what `readManifest` reads. */
export function rewriteManifest(text: Uint8Array, changes: ReadonlyMap<string, ListChange>): Buffer {
  const lists = parse(text);
  for (const [name, change] of changes) Object.assign(lists[name] as object, change);
  return ownBytes([Buffer.from(JSON.stringify(lists))]);
}

function parse(text: Uint8Array): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(text)) as Record<string, unknown>;
}

function noManifest(): BodyFault {
  return new BodyFault('no_id_lists', 'the body is not a manifest of ID lists');
}
