// Cloud Profiler, its token issuer and a machine's metadata server, as one HTTP server that answers what a test tells it.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface GoogleRequestSeen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeGoogle {
  /** Ends with a slash. */
  readonly url: string;
  /** Host and port. */
  readonly host: string;
  readonly requests: readonly GoogleRequestSeen[];
  /** Those whose path matches. */
  seen(path: RegExp): readonly GoogleRequestSeen[];
  /** What the metadata server knows, by path; empty for a machine that is not Google's. */
  readonly metadata: Map<string, string>;
  /** Of the metadata server's answers. */
  flavor: string;
  /** The answer to a request for a token. */
  token: Answer;
  /** The answer to an upload. */
  uploaded: Answer;
  /** Requests whose path matches get no answer, while it is set. */
  silent: RegExp | undefined;
  /** Answers the request for a due profile that waits, or the next one; without an answer such a request waits. */
  give(answer: Answer): void;
  /** Such requests that wait. */
  readonly waiting: number;
}

export const PROJECT = 'test-project';

/** What the service says when a profile is due. */
export function due(profileType: string, duration: string | undefined, id = 'p1'): Answer {
  const name = `projects/${PROJECT}/profiles/${id}`;
  return { status: 200, body: { name, profileType, ...(duration !== undefined && { duration }) } };
}

/** As Google words errors. */
export function refusal(status: number, message: string, details: readonly object[] = []): Answer {
  return { status, body: { error: { code: status, message, status: 'SOME_STATUS', details } } };
}

const METADATA = '/computeMetadata/v1/';

export async function startGoogle(t: TestContext): Promise<FakeGoogle> {
  const requests: GoogleRequestSeen[] = [];
  const answers: Answer[] = [];
  const waiting = new Set<ServerResponse>();

  const route = ({ method, path }: GoogleRequestSeen, response: ServerResponse): void => {
    if (google.silent?.test(path) === true) return;
    if (path.startsWith(METADATA)) {
      const text = google.metadata.get(path.slice(METADATA.length));
      const headers = { 'metadata-flavor': google.flavor };
      response.writeHead(text === undefined ? 404 : 200, headers).end(text);
    } else if (path === '/token') {
      send(response, google.token);
    } else if (method === 'PATCH') {
      send(response, google.uploaded);
    } else {
      const next = answers.shift();
      if (next !== undefined) {
        send(response, next);
        return;
      }
      waiting.add(response);
      response.once('close', () => waiting.delete(response));
    }
  };

  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const seen = { method, path, headers, body: Buffer.concat(pieces).toString() };
      requests.push(seen);
      route(seen, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const google: FakeGoogle = {
    url: `http://${host}/`,
    host,
    requests,
    seen: (path) => requests.filter((request) => path.test(request.path)),
    metadata: new Map([
      ['project/project-id', PROJECT],
      ['instance/zone', 'projects/1234/zones/europe-west1-b'],
      ['instance/name', 'machine-7'],
      ['instance/service-accounts/default/token', tokenText('of-the-machine')],
    ]),
    flavor: 'Google',
    token: { status: 200, body: JSON.parse(tokenText('of-the-account')) as object },
    uploaded: { status: 200, body: {} },
    silent: undefined,
    give: (answer) => {
      const [first] = waiting;
      if (first === undefined) answers.push(answer);
      else {
        waiting.delete(first);
        send(first, answer);
      }
    },
    get waiting() {
      return waiting.size;
    },
  };
  return google;
}

export function tokenText(token: string): string {
  return JSON.stringify({ access_token: token, expires_in: 3599, token_type: 'Bearer' });
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
