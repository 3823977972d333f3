// What Statsig holds for some SDK keys, and all it ever held: specs in versions, ID lists that grow, and the log events it took.
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { demoEnvelopes, demoV1, demoV2 } from '../../scripts/demo-specs.js';
import type { FormName } from '../process/spec-forms.js';
import { OriginIdList } from './id-list.js';
import { noise } from './noise.js';
import type { Site, SiteAnswer, WholeRequest } from './raw-origin.js';

const SPECS = /^\/(?<api>v[12])\/download_config_specs\/(?<sdkKey>[^/?]+)\.json(?:\?(?<query>.*))?$/;
const FILE = /^\/files\/(?<fileId>[^/?]+)$/;
const JSON_TYPE = { 'content-type': 'application/json' };
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const FIRST_VERSION = 1_750_000_000_000;
const LISTS_PER_KEY = 2;

export interface ManifestEntry {
  readonly size: number;
  readonly url: string;
  readonly fileID: string;
}

export class StatsigSite {
  /** Where its files are. */
  filesUrl = '';
  /** How JSON is sent to those who accept it. */
  encoding: 'identity' | 'gzip' | 'br' = 'identity';
  /** The names of all events that were answered with a 2xx. */
  readonly taken = new Set<string>();
  readonly #specBytes: (sdkKey: string) => number;
  /** By the hash of each body that was ever sent. */
  readonly #bodies = new Map<string, { readonly sdkKey: string; readonly form: FormName; version: number }>();
  readonly #current = new Map<string, Buffer>();
  readonly #lists = new Map<string, readonly OriginIdList[]>();
  #version = FIRST_VERSION;

  /** Any key is known. `specBytes`: how large its specs are, about, compressed or not. */
  constructor(specBytes: (sdkKey: string) => number) {
    this.#specBytes = specBytes;
  }

  readonly answer: Site = (request) => {
    const { api, sdkKey = '', query } = SPECS.exec(request.target)?.groups ?? {};
    if (api !== undefined) return this.#spec(api, sdkKey, new URLSearchParams(query), request);
    if (request.target === '/v1/get_id_lists') return this.#manifest(request);
    if (request.target === '/v1/log_event') return this.#events(request);
    const { fileId = '' } = FILE.exec(request.target)?.groups ?? {};
    return this.#file(fileId, request);
  };

  get version(): number {
    return this.#version;
  }

  /** A new version of every spec, and members more in every list. */
  publish(members: number): void {
    this.#version += 1_000;
    this.#current.clear();
    for (const list of [...this.#lists.values()].flat()) {
      list.add(...Array.from({ length: members }, (_none, index) => `${this.#version}-${index}`));
    }
  }

  /** New files for all lists. */
  replaceFiles(): void {
    for (const list of [...this.#lists.values()].flat()) list.replace(`${this.#version}`);
  }

  listsOf(sdkKey: string): readonly OriginIdList[] {
    const known = this.#lists.get(sdkKey);
    if (known !== undefined) return known;
    const names = Array.from(
      { length: LISTS_PER_KEY },
      (_none, index) => `${sdkKey.slice('secret-'.length)}-${index}`,
    );
    const lists = names.map((name) => new OriginIdList(name, ['alice', 'bob']));
    this.#lists.set(sdkKey, lists);
    return lists;
  }

  /** Undefined for a body that was never a whole spec of this key in this form. */
  versionOf(sdkKey: string, form: FormName, body: Buffer): number | undefined {
    const known = this.#bodies.get(hashOf(body));
    return known?.sdkKey === sdkKey && known.form === form ? known.version : undefined;
  }

  #spec(api: string, sdkKey: string, query: URLSearchParams, request: WholeRequest): SiteAnswer {
    if (Number(query.get('sinceTime')) >= this.#version) return ok(Buffer.from('{"has_updates":false}'));
    const form = query.get('supports_proto') === 'true' ? 'protobuf' : (api as 'v1' | 'v2');
    const body = this.#bodyOf(sdkKey, form);
    if (form !== 'protobuf') return this.#encoded(body, request);
    const headers = { 'content-type': 'application/octet-stream', 'content-encoding': 'statsig-br' };
    return { ...ok(brotliCompressSync(body, FAST)), headers };
  }

  #bodyOf(sdkKey: string, form: FormName): Buffer {
    const id = `${form} ${sdkKey}`;
    const known = this.#current.get(id);
    if (known !== undefined) return known;
    const greeting = noise(`${sdkKey} ${this.#version}`, this.#specBytes(sdkKey));
    const project = { time: this.#version, isGateOpen: true, greeting };
    const body = {
      v1: () => Buffer.from(JSON.stringify(demoV1(project))),
      v2: () => Buffer.from(JSON.stringify(demoV2(project))),
      protobuf: () => demoEnvelopes(project),
    }[form]();
    this.#current.set(id, body);
    this.#bodies.set(hashOf(body), { sdkKey, form, version: this.#version });
    return body;
  }

  #encoded(body: Buffer, { headers }: WholeRequest): SiteAnswer {
    const isAccepted = headers['accept-encoding']?.includes(this.encoding) === true;
    if (!isAccepted || this.encoding === 'identity') return ok(body);
    const bytes = this.encoding === 'gzip' ? gzipSync(body, { level: 1 }) : brotliCompressSync(body, FAST);
    return { ...ok(bytes), headers: { ...JSON_TYPE, 'content-encoding': this.encoding } };
  }

  #manifest(request: WholeRequest): SiteAnswer {
    const lists = this.listsOf(request.headers['statsig-api-key'] ?? '').map(({ name, file }) => {
      const { fileId, creationTime, bytes } = file;
      const url = `${this.filesUrl}/files/${fileId}`;
      return [name, { name, size: bytes.length, url, creationTime, fileID: fileId }] as const;
    });
    return this.#encoded(Buffer.from(JSON.stringify(Object.fromEntries(lists))), request);
  }

  #file(fileId: string, { headers }: WholeRequest): SiteAnswer {
    const files = [...this.#lists.values()].flat().flatMap((list) => list.files);
    const bytes = files.find((each) => each.fileId === fileId)?.bytes;
    if (bytes === undefined) return { ...ok(Buffer.from('{"error":"no such file"}')), status: 404 };
    const from = Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1] ?? NaN);
    const type = { 'content-type': 'text/plain' };
    if (Number.isNaN(from)) return { status: 200, headers: type, body: bytes };
    if (from >= bytes.length) {
      return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` }, body: Buffer.alloc(0) };
    }
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    return { status: 206, headers: { ...type, ...range }, body: bytes.subarray(from) };
  }

  #events({ body }: WholeRequest): SiteAnswer {
    // Asked for its answer before the batch came.
    if (body.length === 0) return { ...ok(Buffer.from('{}')), status: 503 };
    const { events } = JSON.parse(body.toString()) as { readonly events: { readonly eventName: string }[] };
    const told = (): void => {
      for (const { eventName } of events) this.taken.add(eventName);
    };
    return { ...ok(Buffer.from('{"success":true}')), status: 202, told };
  }
}

function ok(body: Buffer): SiteAnswer {
  return { status: 200, headers: JSON_TYPE, body };
}

function hashOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64');
}
