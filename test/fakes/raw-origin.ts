// An HTTP/1 origin on raw sockets, which answers each request by a plan: split, cut, twice, or with wrong lengths, as no node:http server would.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WholeRequest extends RequestHead {
  /** Empty where the request was answered before its body came. */
  readonly body: Buffer;
}

/** What is answered, however it travels. */
export interface SiteAnswer {
  readonly status: number;
  /** Without those that tell where the body ends. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Called once the whole head was handed to the connection: from then on the client may know the status. */
  readonly told?: () => void;
}

/** What an origin holds: its answer to every request. */
export type Site = (request: WholeRequest) => SiteAnswer;

/** How an answer travels. */
export interface Plan {
  readonly version: '1.0' | '1.1';
  /** What tells where the body ends: its length, chunks, or the end of the connection. */
  readonly framing: 'length' | 'chunked' | 'end';
  readonly saysClose: boolean;
  /** Statuses of 1xx answers that come before it. */
  readonly informational: readonly number[];
  readonly chunkBytes: number;
  /** Added to the length that is sent, of the body or of its last chunk; `nonsense`: what is sent is no number. */
  readonly lengthError: number | 'nonsense';
  /** How often the same answer is sent. */
  readonly copies: number;
  /** It begins before the body of the request came. */
  readonly isEarly: boolean;
  /** Written at one time, with a pause after each. */
  readonly pieceBytes: number;
  /** One more place where a piece ends. */
  readonly splitAtByte: number;
  readonly pauseMs: number;
  /** Of all that would be written, heads included: the rest is never sent. */
  readonly cutAtByte: number;
  /** What becomes of the connection then: `half-close` sends FIN and goes on reading, `reset` sends RST. */
  readonly ending: 'keep' | 'half-close' | 'close' | 'reset';
}

/** How a good origin does it: plans name what they do otherwise. */
export const HONEST: Plan = {
  version: '1.1',
  framing: 'length',
  saysClose: false,
  informational: [],
  chunkBytes: 16_384,
  lengthError: 0,
  copies: 1,
  isEarly: false,
  pieceBytes: Infinity,
  splitAtByte: 0,
  pauseMs: 0,
  cutAtByte: Infinity,
  ending: 'keep',
};

export interface RawOrigin {
  readonly url: string;
  /** Every request that was answered, oldest first, with the number of its connection. */
  readonly requests: readonly (WholeRequest & { readonly connection: number })[];
  /** How the next requests are answered. */
  plan: (head: RequestHead) => Partial<Plan>;
  /** Connections that are open now. */
  readonly openConnections: number;
  close(): Promise<void>;
}

export async function startRawOrigin(site: Site): Promise<RawOrigin> {
  const requests: (WholeRequest & { readonly connection: number })[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  async function serve(socket: Socket, connection: number): Promise<void> {
    const inbox = new Inbox(socket);
    for (let head = await readHead(inbox); head !== undefined; head = await readHead(inbox)) {
      const plan = { ...HONEST, ...origin.plan(head) };
      const body = inbox.take(Number(head.headers['content-length'] ?? 0));
      const request = { ...head, body: plan.isEarly ? Buffer.alloc(0) : await body };
      if (request.body === undefined) return;
      requests.push({ ...head, body: request.body, connection });
      await send(socket, site({ ...head, body: request.body }), plan);
      await body;
    }
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Clients break connections off as they like.
    socket.on('error', () => undefined);
    socket.once('end', () => socket.end());
    connections += 1;
    void serve(socket, connections);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin: RawOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    plan: () => HONEST,
    get openConnections() {
      return sockets.size;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return origin;
}

/** The whole of an answer as it is written, and how much of that is its heads. */
export function toWire(
  { status, headers, body }: SiteAnswer,
  plan: Plan,
): { readonly bytes: Buffer; readonly headBytes: number } {
  const { framing, lengthError, saysClose, version } = plan;
  const length = lengthError === 'nonsense' ? 'nonsense' : String(Math.max(0, body.length + lengthError));
  const all = {
    ...headers,
    ...(framing === 'length' && { 'content-length': length }),
    ...(framing === 'chunked' && { 'transfer-encoding': 'chunked' }),
    ...(saysClose && { connection: 'close' }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const before = plan.informational.map((each) => `HTTP/1.1 ${each} Wait\r\n\r\n`);
  const head = Buffer.from(`${before.join('')}HTTP/${version} ${status} Status\r\n${lines.join('')}\r\n`);
  const bytes = Buffer.concat([head, framing === 'chunked' ? toChunks(body, plan) : body]);
  return { bytes, headBytes: head.length };
}

function toChunks(body: Buffer, { chunkBytes, lengthError }: Plan): Buffer {
  const pieces: Buffer[] = [];
  for (let from = 0; from < body.length; from += chunkBytes) {
    const chunk = body.subarray(from, from + chunkBytes);
    const isLast = from + chunkBytes >= body.length;
    const error = isLast ? lengthError : 0;
    const size = error === 'nonsense' ? 'nonsense' : Math.max(0, chunk.length + error).toString(16);
    pieces.push(Buffer.from(`${size}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

/** The one place where a plan becomes what happens on a connection. */
async function send(socket: Socket, answer: SiteAnswer, plan: Plan): Promise<void> {
  const { bytes, headBytes } = toWire(answer, plan);
  const all = Buffer.concat(new Array<Buffer>(plan.copies).fill(bytes));
  const sent = all.subarray(0, plan.cutAtByte);
  for (let from = 0, to = 0; from < sent.length && socket.writable; from = to) {
    to = Math.min(sent.length, from + plan.pieceBytes);
    if (from < plan.splitAtByte) to = Math.min(to, plan.splitAtByte);
    await write(socket, sent.subarray(from, to));
    if (from < headBytes && to >= headBytes) answer.told?.();
    if (plan.pauseMs > 0) await pause(plan.pauseMs);
  }
  if (plan.ending === 'half-close') socket.end();
  if (plan.ending === 'close') socket.destroySoon();
  if (plan.ending === 'reset') socket.resetAndDestroy();
}

/** Resolves when the piece was handed to the system, or never will be. */
function write(socket: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.write(piece, () => {
      resolve();
    });
  });
}

async function readHead(inbox: Inbox): Promise<RequestHead | undefined> {
  const bytes = await inbox.takeHead();
  if (bytes === undefined) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1').trimEnd().split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { method, target, headers: Object.fromEntries(headers) };
}

/** What came over a connection and was not taken yet. */
class Inbox {
  #held = Buffer.alloc(0);
  #isOver = false;
  #wake = (): void => undefined;

  constructor(socket: Socket) {
    socket.on('data', (piece) => {
      this.#held = Buffer.concat([this.#held, piece]);
      this.#wake();
    });
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    socket.once('end', over);
    socket.once('close', over);
  }

  /** So many bytes; undefined where the connection ends before. */
  async take(bytes: number): Promise<Buffer | undefined> {
    return await this.#takeWhen(() => (this.#held.length >= bytes ? bytes : undefined));
  }

  /** All up to the next empty line. */
  async takeHead(): Promise<Buffer | undefined> {
    return await this.#takeWhen(() => {
      const end = this.#held.indexOf('\r\n\r\n');
      return end === -1 ? undefined : end + 4;
    });
  }

  async #takeWhen(wanted: () => number | undefined): Promise<Buffer | undefined> {
    for (let bytes = wanted(); ; bytes = wanted()) {
      if (bytes !== undefined) {
        const taken = this.#held.subarray(0, bytes);
        this.#held = this.#held.subarray(bytes);
        return taken;
      }
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
