// The files that a manifest lists, as this proxy knows them: made once for each version of a manifest.
import { hash } from 'node:crypto';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { Payload } from '../../../domain/payload.js';
import { hashSdkKey } from '../../../domain/sdk-key.js';
import { readManifest, type ListedFile } from '../spec-body/id-list-manifest.js';
import { FILE_PATH, toFilePath, toKeyHash, withoutPromise, writeFileId } from './file-id.js';
import type { IdListFile } from './id-list-file.js';

export interface ManifestFile {
  readonly file: IdListFile;
  readonly listName: string;
  /** How many bytes of it the manifest promises. */
  readonly bytes: number;
  /** In urls of this proxy. */
  readonly id: string;
  /** The path for clients that must use another host than the origin's URL names, without the promised size. */
  readonly path: string;
  /** Of the origin's url, with its question mark, or empty. */
  readonly search: string;
}

export class ManifestFiles {
  readonly #known = new WeakMap<Payload, readonly ManifestFile[]>();
  readonly #endpoint: string;

  /** `endpoint`: whom to ask instead of the hosts that manifests name, with a path perhaps; empty for those hosts. */
  constructor(endpoint = '') {
    this.#endpoint = endpoint.replace(/\/+$/, '');
  }

  /** Without those whose url cannot be fetched: it stays as it is. */
  of({ key, payload }: Pick<HeldPayload, 'key' | 'payload'>): readonly ManifestFile[] {
    const known = this.#known.get(payload);
    if (known !== undefined) return known;
    const keyHash = toKeyHash(hashSdkKey(key.sdkKey));
    const files = readManifest(payload.originForm.bytes).flatMap((listed) =>
      toFiles(keyHash, listed, this.#endpoint),
    );
    this.#known.set(payload, files);
    return files;
  }
}

function toFiles(keyHash: string, listed: ListedFile, endpoint: string): ManifestFile[] {
  const url = URL.canParse(listed.url) ? new URL(listed.url) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return [];
  const [path, { search }] = [withoutPromise(url.pathname), url];
  const name = nameOf(keyHash, listed, url.origin + path, search);
  const { listName, bytes } = listed;
  const id = writeFileId({ keyHash, name, bytes });
  const isElsewhere = endpoint !== '' && toFilePath(url.pathname).startsWith(FILE_PATH);
  const from = isElsewhere ? endpoint + toFilePath(url.pathname) + search : listed.url;
  return [{ file: { name, url: from }, listName, bytes, id, path: toFilePath(path), search }];
}

/**
 * A url names its file for every key that lists it. What stands in a query may be a signature, another one in every
 * manifest, or say whose file is meant: then its list identifies the file, as in SDKs, and only for its own key.
 */
function nameOf(keyHash: string, { listName, fileId }: ListedFile, where: string, search: string): string {
  const parts = search === '' ? [where, fileId] : [where, fileId, keyHash, listName];
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
