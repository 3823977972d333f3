// The paths of files, and the ids in rewritten urls: they say whose list it was, which file, and how many bytes were promised.

/** Behind it in a path: the id of a file, here as at the origin. */
export const FILE_PATH = '/v1/download_id_list_file/';
/** The same in the storage behind Statsig, where manifests name that. */
const STORAGE_PATH = '/idlists/';

/** The path under which clients that must use another host request the file of a URL with this path. */
export function toFilePath(path: string): string {
  return path.startsWith(STORAGE_PATH) ? FILE_PATH + path.slice(STORAGE_PATH.length) : path;
}

/** Of hashes in base64url: 96 bits tell keys apart, files have the whole hash. */
const KEY_HASH_CHARACTERS = 16;
const FILE_ID = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})\.(\d{1,16})$/;

export interface FileId {
  /** The beginning of the SDK key's SHA-256: which key's manifest to look into where the file is not known yet. */
  readonly keyHash: string;
  /** The file's name. */
  readonly name: string;
  /** What the manifest promised: it is in the id, as another replica may have made it. */
  readonly bytes: number;
}

/** `hexHash`: of the SDK key. */
export function toKeyHash(hexHash: string): string {
  return Buffer.from(hexHash, 'hex').toString('base64url').slice(0, KEY_HASH_CHARACTERS);
}

export function writeFileId({ keyHash, name, bytes }: FileId): string {
  return `${keyHash}.${name}.${bytes}`;
}

/** The id of the same file with another promise. */
export function withPromise(id: string, bytes: number): string {
  return `${id.slice(0, id.lastIndexOf('.'))}.${bytes}`;
}

/** Undefined for what is not an id of this kind. */
export function readFileId(text: string): FileId | undefined {
  const [, keyHash, name, digits] = FILE_ID.exec(text) ?? [];
  const bytes = Number(digits);
  if (keyHash === undefined || name === undefined || !Number.isSafeInteger(bytes)) return undefined;
  return { keyHash, name, bytes };
}

/** The path of a url without the size that another proxy of this kind promised in it: what has grown is the same file. */
export function withoutPromise(path: string): string {
  const idFrom = path.lastIndexOf('/') + 1;
  const own = readFileId(path.slice(idFrom));
  return own === undefined ? path : `${path.slice(0, idFrom)}${own.keyHash}.${own.name}`;
}
