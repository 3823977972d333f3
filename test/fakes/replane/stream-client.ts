// A client of a replication stream that keeps what it is sent, byte for byte.
import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { eventually } from '../../e2e/deadline.js';
import { EventReader } from '../event-reader.js';

export const STREAM_PATH = '/api/sdk/v1/replication/stream';

export interface StreamClientOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface SeenFrame {
  readonly type: string;
  readonly config?: { readonly name: string; readonly value: unknown; readonly overrides: unknown };
  readonly configs?: readonly {
    readonly name: string;
    readonly value: unknown;
    readonly overrides: unknown;
  }[];
}

export class StreamClient {
  readonly #request: ClientRequest;
  #answer: IncomingMessage | undefined;
  readonly #pieces: Buffer[] = [];
  #isGone = false;
  /** Of the connection, where it never came to an answer. */
  failure: string | undefined;

  /** `sdkKey` undefined: none is sent. */
  constructor(url: string, sdkKey: string | undefined, options: StreamClientOptions = {}) {
    const {
      path = STREAM_PATH,
      method = 'POST',
      headers = {},
      body = method === 'POST' ? '{}' : '',
    } = options;
    const authorization = sdkKey === undefined ? {} : { authorization: `Bearer ${sdkKey}` };
    this.#request = request(url + path, { method, headers: { ...authorization, ...headers }, agent: false });
    this.#request.once('response', (answer) => {
      this.#answer = answer;
      answer.on('data', (piece: Buffer) => this.#pieces.push(piece));
      answer.on('error', () => undefined);
      answer.once('close', () => (this.#isGone = true));
    });
    this.#request.on('error', ({ message }) => {
      this.failure ??= message;
      this.#isGone = true;
    });
    this.#request.end(body);
  }

  /** 0 while no answer has come. */
  get status(): number {
    return this.#answer?.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.#answer?.headers ?? {};
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get frames(): readonly SeenFrame[] {
    const reader = new EventReader();
    reader.push(this.text);
    return reader.events.map(({ data }) => JSON.parse(data) as SeenFrame);
  }

  /** All values of this config, in `init` and in changes, oldest first. */
  valuesOf(name: string): readonly unknown[] {
    return this.frames.flatMap(({ config, configs = [] }) =>
      (config === undefined ? configs : [config])
        .filter((candidate) => candidate.name === name)
        .map(({ value }) => value),
    );
  }

  get isOver(): boolean {
    return this.#isGone;
  }

  /** It is over, and the server said that this is all. */
  get endedCleanly(): boolean {
    return this.#isGone && this.#answer?.complete === true;
  }

  async answered(): Promise<this> {
    await eventually('answer', () => this.status !== 0 || this.#isGone);
    return this;
  }

  async received(text: string): Promise<this> {
    await eventually(text, () => this.text.includes(text));
    return this;
  }

  async over(): Promise<this> {
    await eventually('end of the answer', () => this.#isGone);
    return this;
  }

  /** Takes nothing any more. */
  pause(): void {
    this.#answer?.pause();
  }

  resume(): void {
    this.#answer?.resume();
  }

  close(): void {
    this.#request.destroy();
  }
}
