// Statsig's end of ID lists as a real HTTP server on a free port: specs, a manifest for each SDK key, and the lists' files.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, type ManifestAnswer } from './id-list-answers.js';
import { listSpecV1, listSpecV2 } from './id-list-specs.js';
import { OriginIdList } from './id-list.js';

export interface IdListRequest {
  readonly kind: 'specs' | 'manifest' | 'file' | 'events' | 'unknown';
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** When it came, by `performance.now()`. */
  readonly atMs: number;
}

/**
 * Where the manifest says that files lie: in a storage, whose paths are the same for every project, with a query that
 * tells whose file is meant and is signed; or where SDKs can be told to ask another host for the same path.
 */
export type FilePlace = 'storage' | 'api';

export interface IdListOriginOptions {
  readonly filePlace?: FilePlace;
  /** Of every project: gates that ask for lists of these names. */
  readonly gatesFor?: readonly string[];
}

/** One SDK key's lists. Lists and files of two projects may have the same names. */
export class ListProject {
  readonly sdkKey: string;
  /** By name; take one out, and it is gone from the manifest. Its files stay where they are. */
  readonly lists = new Map<string, OriginIdList>();
  /** Answers for the manifest while it is set. */
  manifestAnswer: ManifestAnswer | undefined;
  /** Every list there has been, by its place in the paths of files. */
  readonly everyList: OriginIdList[] = [];
  readonly #filesUrl: string;
  readonly #query: string;

  constructor(sdkKey: string, filesUrl: string, query: string) {
    this.sdkKey = sdkKey;
    this.#filesUrl = filesUrl;
    this.#query = query;
  }

  addList(name: string, ...userIds: readonly string[]): OriginIdList {
    const list = new OriginIdList(name, userIds);
    this.lists.set(name, list);
    this.everyList.push(list);
    return list;
  }

  /** As it is sent: not as a serializer would write it again. */
  get manifestText(): string {
    const entries = [...this.lists.values()].map(({ name, file }) => [
      name,
      {
        name,
        size: file.bytes.length,
        url: `${this.#filesUrl}${file.fileId}${this.#query}`,
        creationTime: file.creationTime,
        fileID: file.fileId,
      },
    ]);
    return JSON.stringify(Object.fromEntries(entries), undefined, 1);
  }
}

const SPECS = /^\/(?<api>v[12])\/download_config_specs\//;
const MANIFEST = '/v1/get_id_lists';
/** The legacy SDK tells of its own start, whatever its options say. */
const EVENTS = '/v1/log_event';
const FILE =
  /^\/(?:storage\/|v1\/download_id_list_file\/project-(?<folder>\d+)%2F)(?<fileId>[^/?]+)(?:\?(?<query>.*))?$/;
/** Of the storage: without it nothing is given. */
const SIGNATURE = 'sv=2026-01-01&sig=a%2Bb%2Fc%3D';
const NEVER = json(404, '{"error":"no such route"}');

export class IdListOrigin {
  readonly url: string;
  /** Every request that came whole, oldest first. */
  readonly requests: IdListRequest[] = [];
  readonly #projects: ListProject[] = [];
  readonly #filePlace: FilePlace;
  readonly #gatesFor: readonly string[];
  #server: ReturnType<typeof createServer>;

  constructor(server: ReturnType<typeof createServer>, options: IdListOriginOptions) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#filePlace = options.filePlace ?? 'storage';
    this.#gatesFor = options.gatesFor ?? ['list_1'];
    this.#server = server;
    this.#listen(server);
  }

  /** A key that is served from now on; others are refused. It has no lists at first. */
  addProject(sdkKey: string): ListProject {
    const number = this.#projects.length;
    const isApi = this.#filePlace === 'api';
    const path = isApi ? `/v1/download_id_list_file/project-${number}%2F` : '/storage/';
    const query = isApi ? '' : `?project=${number}&${SIGNATURE}`;
    const project = new ListProject(sdkKey, this.url + path, query);
    this.#projects.push(project);
    return project;
  }

  requestsOf(kind: IdListRequest['kind'], sinceMs = 0): readonly IdListRequest[] {
    return this.requests.filter((request) => request.kind === kind && request.atMs >= sinceMs);
  }

  /** How often this key's manifest was asked for. */
  asksFor(sdkKey: string, sinceMs = 0): number {
    return this.requestsOf('manifest', sinceMs).filter(({ headers }) => headers['statsig-api-key'] === sdkKey)
      .length;
  }

  /** Takes it off the network; `reopen` brings it back on the same port. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async reopen(): Promise<void> {
    this.#server = await openServer(Number(new URL(this.url).port));
    this.#listen(this.#server);
  }

  #listen(server: ReturnType<typeof createServer>): void {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        const { kind, answer } = this.#route(request);
        const { url = '', method = '', headers } = request;
        this.requests.push({ kind, method, url, headers, body, atMs: performance.now() });
        answer(response);
      });
    });
  }

  #route(request: IncomingMessage): Pick<IdListRequest, 'kind'> & { readonly answer: ManifestAnswer } {
    const { pathname } = new URL(request.url ?? '', this.url);
    const { api } = SPECS.exec(pathname)?.groups ?? {};
    if (api !== undefined) {
      const spec = api === 'v1' ? listSpecV1(this.#gatesFor) : listSpecV2(this.#gatesFor);
      return { kind: 'specs', answer: json(200, JSON.stringify(spec)) };
    }
    if (pathname === MANIFEST) return { kind: 'manifest', answer: this.#manifestAnswer(request) };
    if (pathname === EVENTS) return { kind: 'events', answer: json(202, '{"success":true}') };
    if (FILE.test(request.url ?? '')) return { kind: 'file', answer: this.#fileAnswer(request) };
    return { kind: 'unknown', answer: NEVER };
  }

  #manifestAnswer({ method, headers }: IncomingMessage): ManifestAnswer {
    const project = this.#projects.find(({ sdkKey }) => sdkKey === headers['statsig-api-key']);
    if (method !== 'POST') return json(405, '{"error":"POST only"}');
    if (project === undefined) return json(401, '{"error":"no such key"}');
    return project.manifestAnswer ?? json(200, project.manifestText);
  }

  #fileAnswer({ url = '', headers }: IncomingMessage): ManifestAnswer {
    const { folder, fileId, query } = FILE.exec(url)?.groups ?? {};
    const params = new URLSearchParams(query);
    const isSigned = folder !== undefined || query?.endsWith(SIGNATURE) === true;
    const project = this.#projects[Number(folder ?? params.get('project'))];
    for (const list of project?.everyList ?? []) {
      const file = list.files.find((each) => each.fileId === fileId);
      if (file === undefined || !isSigned) continue;
      list.asked += 1;
      return (response) => {
        list.answer(response, { bytes: file.bytes, fromByte: fromByteOf(headers) });
      };
    }
    return json(403, '{"error":"no such file"}');
  }
}

export async function startIdListOrigin(
  t: { after(end: () => Promise<void>): void },
  options: IdListOriginOptions = {},
): Promise<IdListOrigin> {
  const origin = new IdListOrigin(await openServer(0), options);
  t.after(() => origin.close());
  return origin;
}

async function openServer(port: number): Promise<ReturnType<typeof createServer>> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function fromByteOf({ range }: IncomingHttpHeaders): number | undefined {
  const { from } = /^bytes=(?<from>\d+)-$/.exec(range ?? '')?.groups ?? {};
  return from === undefined ? undefined : Number(from);
}
