// A Replane server as its SDKs see it: replication streams by SDK key, with a switch for each way in which they fail.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OriginStream } from './origin-stream.js';
import { ReplaneProject } from './replane-project.js';
import { HONEST_STREAM, type StreamPlan } from './stream-plan.js';
import { readStreamBody } from './stream-body.js';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Undefined where none was sent. */
  readonly sdkKey: string | undefined;
}

interface KeyOfProject {
  readonly project: ReplaneProject;
  isRevoked: boolean;
}

interface Verdict {
  /** Undefined where the key is not good. */
  readonly project: ReplaneProject | undefined;
  readonly untilMs: number;
}

const STREAM_PATHS = ['/api/sdk/v1/replication/stream', '/api/v1/replication/stream'];
const SYNC_PATHS = ['/api/sdk/v1/testing/sync', '/api/v1/testing/sync'];

export class ReplaneOrigin {
  /** Every request, oldest first. */
  readonly requests: SeenRequest[] = [];
  /** Asked at each request for a stream whose key is good. */
  plan: (request: SeenRequest) => Partial<StreamPlan> = () => HONEST_STREAM;
  /** As with `TESTING_MODE=true`. */
  isTesting = false;
  /** Before a sync is answered: takes in what is pending. */
  catchUp: () => void = () => undefined;
  /** How long it is remembered whether a key is good: 60 s with the server, which no test waits for. */
  keyMemoryMs = 0;
  readonly #keys = new Map<string, KeyOfProject>();
  readonly #verdicts = new Map<string, Verdict>();
  readonly #streams = new Map<OriginStream, string>();
  #server: Server = createServer();
  #port = 0;

  static async start(): Promise<ReplaneOrigin> {
    const origin = new ReplaneOrigin();
    await origin.up();
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A new key of this project, which may have several. */
  addKey(
    project = new ReplaneProject(),
    sdkKey = this.#newKey(),
  ): { readonly sdkKey: string; readonly project: ReplaneProject } {
    this.#keys.set(sdkKey, { project, isRevoked: false });
    return { sdkKey, project };
  }

  /** As the server does it: open streams go on receiving, new ones are refused. */
  revoke(sdkKey: string): void {
    this.#key(sdkKey).isRevoked = true;
  }

  restore(sdkKey: string): void {
    this.#key(sdkKey).isRevoked = false;
  }

  openStreams(sdkKey?: string): number {
    return this.#streamsOf(sdkKey).length;
  }

  /** Any bytes to the open streams of a key. */
  write(sdkKey: string, text: string): void {
    for (const stream of this.#streamsOf(sdkKey)) stream.write(text);
  }

  /** Open streams get no byte any more, and stay open. */
  silence(): void {
    for (const stream of this.#streamsOf()) stream.silence();
  }

  cut(sdkKey?: string): void {
    for (const stream of this.#streamsOf(sdkKey)) stream.cut();
  }

  end(sdkKey?: string): void {
    for (const stream of this.#streamsOf(sdkKey)) stream.end();
  }

  /** Connections are refused; what was open is reset. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** At the same port as before. */
  async up(): Promise<void> {
    this.#server = createServer({ requestTimeout: 0, noDelay: true }, (request, response) => {
      this.#serve(request, response);
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    // Clients break connections off as they like.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.once('end', () => {
      const { method = '', url: path = '', headers } = request;
      const sdkKey = /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
      const seen = { method, path, headers, body: Buffer.concat(pieces).toString(), sdkKey };
      this.requests.push(seen);
      this.#route(seen, response);
    });
  }

  #route(seen: SeenRequest, response: ServerResponse): void {
    if (seen.method === 'OPTIONS') preflight(seen, response);
    else if (seen.path === '/api/health') json(response, 200, { status: 'ok' });
    else if (seen.method !== 'POST') notFound(response);
    else if (SYNC_PATHS.includes(seen.path)) this.#sync(response);
    else if (STREAM_PATHS.includes(seen.path)) this.#stream(seen, response);
    else notFound(response);
  }

  #sync(response: ServerResponse): void {
    if (!this.isTesting) {
      json(response, 403, { msg: 'Testing mode not enabled' });
      return;
    }
    this.catchUp();
    json(response, 200, { status: 'synced' });
  }

  #stream(seen: SeenRequest, response: ServerResponse): void {
    const { sdkKey = '' } = seen;
    if (sdkKey === '') {
      json(response, 401, { msg: 'Missing SDK key' });
      return;
    }
    const project = this.#verified(sdkKey);
    if (project === undefined) {
      json(response, 401, { msg: 'Invalid SDK key' });
      return;
    }
    const plan = { ...HONEST_STREAM, ...this.plan(seen) };
    if (plan.headAfterMs === Infinity) return;
    const timer = setTimeout(() => {
      if (plan.answer !== undefined)
        response.writeHead(plan.answer.status, plan.answer.headers).end(plan.answer.body);
      else this.#open(sdkKey, project, seen, response, plan);
    }, plan.headAfterMs);
    response.once('close', () => {
      clearTimeout(timer);
    });
  }

  #open(
    sdkKey: string,
    project: ReplaneProject,
    seen: SeenRequest,
    response: ServerResponse,
    plan: StreamPlan,
  ): void {
    const body = readStreamBody(seen.body);
    if (body === undefined) {
      json(response, 400, { success: false, error: { name: 'ZodError', message: 'Invalid input' } });
      return;
    }
    const stream = new OriginStream(response, plan);
    this.#streams.set(stream, sdkKey);
    const stopListening = project.listen((event) => {
      stream.change(event);
    });
    response.once('close', () => {
      stopListening();
      this.#streams.delete(stream);
    });
    const isComplete = body.requiredConfigs.every((name) => project.has(name));
    stream.open(isComplete ? project.init(body.currentConfigs) : undefined);
  }

  #verified(sdkKey: string): ReplaneProject | undefined {
    const nowMs = performance.now();
    const known = this.#verdicts.get(sdkKey);
    if (known !== undefined && known.untilMs > nowMs) return known.project;
    const key = this.#keys.get(sdkKey);
    const project = key?.isRevoked === false ? key.project : undefined;
    this.#verdicts.set(sdkKey, { project, untilMs: nowMs + this.keyMemoryMs });
    return project;
  }

  #newKey(): string {
    return `rp_${createHash('sha512').update(`key ${this.#keys.size}`).digest('hex').slice(0, 80)}`;
  }

  #streamsOf(sdkKey?: string): OriginStream[] {
    return [...this.#streams]
      .filter(([, key]) => sdkKey === undefined || key === sdkKey)
      .map(([stream]) => stream);
  }

  #key(sdkKey: string): KeyOfProject {
    const key = this.#keys.get(sdkKey);
    if (key === undefined) throw new Error(`unknown key ${sdkKey}`);
    return key;
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  const headers = { 'access-control-allow-origin': '*', 'content-type': 'application/json' };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=UTF-8' }).end('404 Not Found');
}

function preflight(seen: SeenRequest, response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET,HEAD,PUT,POST,DELETE,PATCH',
    'access-control-allow-headers': seen.headers['access-control-request-headers'] ?? '',
  });
  response.end();
}
