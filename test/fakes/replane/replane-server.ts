// A whole Replane server in memory: the admin API by which its own test suite changes configs, and the SDK API that tells of them.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Refusal, ReplaneDatabase, type ConfigFields, type StoredConfig } from './replane-database.js';
import { ReplaneOrigin } from './replane-origin.js';
import { ReplaneReplica } from './replane-replica.js';

/** For so long the server remembers whether a key is good, and that it is not. */
const KEY_MEMORY_MS = 60_000;
const BASE = '/api/admin/v1';

type Fields = Readonly<Record<string, unknown>>;
type Answer = readonly [number, object?];
type Handler = (database: ReplaneDatabase, ids: readonly [string, string], body: Fields) => Answer;

const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['POST', /^\/workspaces$/, (database) => [201, { id: database.createWorkspace() }]],
  ['DELETE', /^\/workspaces\/([^/]+)$/, (database, [id]) => (database.deleteWorkspace(id), [204])],
  [
    'POST',
    /^\/workspaces\/([^/]+)\/projects$/,
    (database, [id], body) => [201, { id: database.createProject(id, textOf(body, 'name')) }],
  ],
  ['DELETE', /^\/projects\/([^/]+)$/, (database, [id]) => (database.deleteProject(id), [204])],
  [
    'GET',
    /^\/projects\/([^/]+)\/environments$/,
    (database, [id]) => [200, { environments: database.environments(id) }],
  ],
  [
    'GET',
    /^\/projects\/([^/]+)\/configs$/,
    (database, [id]) => [200, { configs: database.configsOf(id).map(listed) }],
  ],
  [
    'POST',
    /^\/projects\/([^/]+)\/configs$/,
    (database, [id], body) => {
      const config = database.createConfig(id, textOf(body, 'name'), configFields(body));
      return [201, { id: config.id }];
    },
  ],
  [
    'PUT',
    /^\/projects\/([^/]+)\/configs\/([^/]+)$/,
    (database, [id, name], body) => [200, listed(database.updateConfig(id, name, configFields(body)))],
  ],
  [
    'DELETE',
    /^\/projects\/([^/]+)\/configs\/([^/]+)$/,
    (database, [id, name]) => (database.deleteConfig(id, name), [204]),
  ],
  [
    'POST',
    /^\/projects\/([^/]+)\/sdk-keys$/,
    (database, [id], body) => {
      const key = database.createKey(id, textOf(body, 'environmentId'));
      return [201, { id: key.id, environmentId: key.environmentId, key: key.token }];
    },
  ],
  [
    'DELETE',
    /^\/projects\/([^/]+)\/sdk-keys\/([^/]+)$/,
    (database, [projectId, id]) => (database.deleteKey(projectId, id), [204]),
  ],
];

export class ReplaneServer {
  readonly origin: ReplaneOrigin;
  readonly database = new ReplaneDatabase();
  readonly #superuserKey: string;
  readonly #replica: ReplaneReplica;
  readonly #server: Server;

  private constructor(origin: ReplaneOrigin, superuserKey: string) {
    this.origin = origin;
    this.#superuserKey = superuserKey;
    this.#replica = new ReplaneReplica(this.database, origin);
    this.#server = createServer((request, response) => {
      this.#serve(request).then(
        (answer) => {
          send(response, answer);
        },
        (error: unknown) => {
          // The client of the test went away.
          response.destroy(error instanceof Error ? error : undefined);
        },
      );
    });
    origin.isTesting = true;
    origin.keyMemoryMs = KEY_MEMORY_MS;
    origin.catchUp = () => {
      this.#replica.catchUp();
    };
  }

  static async start(superuserKey: string): Promise<ReplaneServer> {
    const server = new ReplaneServer(await ReplaneOrigin.start(), superuserKey);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#replica.stop();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.all([closed, this.origin.down()]);
  }

  async #serve(request: IncomingMessage): Promise<Answer> {
    const body = await text(request);
    if (request.headers.authorization !== `Bearer ${this.#superuserKey}`)
      return [401, { error: 'Invalid API key' }];
    const path = request.url?.startsWith(BASE) === true ? request.url.slice(BASE.length) : '';
    for (const [method, pattern, handle] of ROUTES) {
      const found = method === request.method ? pattern.exec(path) : null;
      if (found === null) continue;
      const [, first = '', second = ''] = found;
      try {
        return handle(this.database, [first, decodeURIComponent(second)], fieldsOf(body));
      } catch (error) {
        if (error instanceof Refusal) return [error.status, { error: error.message }];
        throw error;
      }
    }
    return [404, { error: 'Not found' }];
  }
}

function send(response: ServerResponse, [status, body]: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body && JSON.stringify(body));
}

function listed({ id, name, version }: StoredConfig): object {
  return { id, name, version };
}

function fieldsOf(body: string): Fields {
  if (body === '') return {};
  const fields: unknown = JSON.parse(body);
  if (typeof fields !== 'object' || fields === null) throw new Refusal(400, 'Invalid body');
  return fields as Fields;
}

function textOf(body: Fields, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '' || value.length > 100)
    throw new Refusal(400, `Invalid ${name}`);
  return value;
}

/** Conditions are taken as they come: the client that sends them has types for them. */
function configFields({ base, variants }: Fields): ConfigFields {
  if (typeof base !== 'object' || base === null || !Array.isArray(variants))
    throw new Refusal(400, 'Invalid base or variants');
  return { base, variants } as ConfigFields;
}
