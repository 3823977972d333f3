// Clients of the gRPC services as SDKs have them: grpc-js with the protos of this repository; each call leaves a record.
import { fileURLToPath } from 'node:url';
import {
  Client,
  credentials,
  status,
  type ClientOptions,
  type Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { eventually, within } from '../e2e/deadline.js';

export interface SpecRequest {
  readonly sdkKey?: string;
  readonly version?: number;
  readonly sinceTime?: number;
}

export interface SpecReply {
  readonly spec: string;
  readonly lastUpdated: number;
}

export interface HealthReply {
  readonly status: 'SERVING' | 'NOT_SERVING';
}

/** What became of a unary call. */
export interface UnaryEnd {
  readonly code: status;
  readonly details: string;
  readonly reply: SpecReply | undefined;
  readonly metadata: Metadata;
}

export interface StreamEnding {
  readonly code: status;
  readonly details: string;
  /** By the monotonic clock of this process. */
  readonly atMs: number;
}

export const NO_UPDATES = '{"has_updates":false}';
export const STREAM_PATH = '/statsig_forward_proxy.StatsigForwardProxy/StreamConfigSpec';

type Method = MethodDefinition<object, object>;

const CONFIG_SPECS = methodsOf('statsig_forward_proxy.proto', 'statsig_forward_proxy.StatsigForwardProxy');
const HEALTH = methodsOf('health.proto', 'grpc.health.v1.Health');

/** The message of a request, for clients that frame it themselves. */
export function encodeRequest(request: SpecRequest): Buffer {
  return method(CONFIG_SPECS, 'StreamConfigSpec').requestSerialize(request);
}

export function decodeReply(message: Buffer): SpecReply {
  return method(CONFIG_SPECS, 'StreamConfigSpec').responseDeserialize(message) as SpecReply;
}

/** What came over one server stream. */
export class StreamRecord<Reply> {
  readonly messages: Reply[] = [];
  readonly metadata: Promise<Metadata>;
  readonly #end: Promise<StreamEnding>;
  readonly #cancel: () => void;
  #hasEnded = false;

  constructor(client: Client, { path, requestSerialize, responseDeserialize }: Method, request: object) {
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    this.metadata = new Promise((resolve) => call.once('metadata', resolve));
    call.on('data', (reply: Reply) => this.messages.push(reply));
    call.on('error', () => undefined);
    this.#end = new Promise((resolve) => {
      call.on('status', ({ code, details }) => {
        this.#hasEnded = true;
        resolve({ code, details, atMs: performance.now() });
      });
    });
    this.#cancel = () => {
      call.cancel();
    };
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get last(): Reply | undefined {
    return this.messages.at(-1);
  }

  /** Waits until this many messages came in all, and gives the last of them; fails where the stream ends before. */
  async received(count: number): Promise<Reply> {
    const what = `message ${count} of a stream`;
    await eventually(what, async () => {
      if (this.messages.length < count && this.#hasEnded) {
        const { code, details } = await this.#end;
        throw new Error(`no ${what}: it ended with ${status[code]}: ${details}`);
      }
      return this.messages.length >= count;
    });
    const message = this.messages[count - 1];
    if (message === undefined) throw new Error(`no ${what}`);
    return message;
  }

  end(patienceMs?: number): Promise<StreamEnding> {
    return within(this.#end, 'end of a stream', patienceMs);
  }

  cancel(): void {
    this.#cancel();
  }
}

/** One client on a connection of its own. */
export class GrpcClient {
  readonly #client: Client;
  readonly #streams: { cancel(): void }[] = [];

  constructor(address: string, options: ClientOptions = {}, secure = credentials.createInsecure()) {
    this.#client = new Client(address, secure, {
      'grpc.max_receive_message_length': -1,
      // Else all clients of one process share a connection.
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
  }

  getConfigSpec(request: SpecRequest): Promise<UnaryEnd> {
    return within(this.#ask(request), 'end of a unary call');
  }

  stream(request: SpecRequest): StreamRecord<SpecReply> {
    return this.#keep(new StreamRecord(this.#client, method(CONFIG_SPECS, 'StreamConfigSpec'), request));
  }

  /** The answer to a health check, or the code it failed with. */
  check(): Promise<HealthReply['status'] | status> {
    const { path, requestSerialize, responseDeserialize } = method(HEALTH, 'Check');
    const answer = new Promise<HealthReply['status'] | status>((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service: '' },
        (error: ServiceError | null, reply) => {
          resolve(error === null ? (reply as HealthReply).status : error.code);
        },
      );
    });
    return within(answer, 'answer to a health check');
  }

  watch(): StreamRecord<HealthReply> {
    return this.#keep(new StreamRecord(this.#client, method(HEALTH, 'Watch'), { service: '' }));
  }

  close(): void {
    for (const stream of this.#streams) stream.cancel();
    this.#client.close();
  }

  #keep<Reply>(stream: StreamRecord<Reply>): StreamRecord<Reply> {
    this.#streams.push(stream);
    return stream;
  }

  #ask(request: SpecRequest): Promise<UnaryEnd> {
    const { path, requestSerialize, responseDeserialize } = method(CONFIG_SPECS, 'getConfigSpec');
    return new Promise((resolve) => {
      let headers: Metadata | undefined;
      let reply: SpecReply | undefined;
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        (_error, value) => (reply = value as SpecReply | undefined),
      );
      call.on('metadata', (metadata) => (headers = metadata));
      call.on('status', ({ code, details, metadata }) => {
        resolve({ code, details, reply, metadata: headers ?? metadata });
      });
    });
  }
}

function methodsOf(file: string, name: string): Readonly<Record<string, Method>> {
  const proto = fileURLToPath(new URL(`../../proto/${file}`, import.meta.url));
  const service = loadSync(proto, { keepCase: true, longs: Number, enums: String, defaults: true })[name];
  if (service === undefined || 'format' in service) throw new Error(`no service ${name}`);
  return service;
}

function method(methods: Readonly<Record<string, Method>>, name: string): Method {
  const found = methods[name];
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}
