// Statsig's end of log events as a real HTTP server on a free port: keeps every delivery, and answers as it is told.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as zlib from 'node:zlib';
import { execFileSync } from 'node:child_process';
import { eventually } from '../e2e/deadline.js';

export interface Delivery {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly sdkKey: string;
  readonly batchId: string;
  /** Whether it was answered with a 2xx. */
  readonly isTaken: boolean;
}

/** What becomes of one delivery: a status with headers, or whatever is done to the answer by hand. */
export type Verdict =
  | number
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly text?: string;
    }
  | ((response: ServerResponse) => void);

export interface EventOrigin {
  readonly url: string;
  /** Every delivery that came whole, oldest first. */
  readonly deliveries: readonly Delivery[];
  /** Those that were taken. */
  readonly taken: readonly Delivery[];
  /** Decides about each; everything is taken at first. */
  verdict: (delivery: Omit<Delivery, 'isTaken'>) => Verdict;
  /** Deliveries being answered now. */
  readonly inFlight: number;
  /** Waits until so many were taken in all. */
  took(count: number): Promise<void>;
  /** Waits until so many came in all. */
  received(count: number): Promise<void>;
  /** Takes it off the network; `reopen` brings it back on the same port. */
  close(): Promise<void>;
  reopen(): Promise<void>;
}

export async function startEventOrigin(): Promise<EventOrigin> {
  const deliveries: Delivery[] = [];
  let inFlight = 0;
  const open = async (port: number): Promise<ReturnType<typeof createServer>> => {
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      inFlight += 1;
      response.on('close', () => (inFlight -= 1));
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const { url = '', headers } = request;
        const sdkKey = String(headers['statsig-api-key']);
        const batchId = String(headers['x-sfp-batch-id']);
        const delivery = { url, headers, body: Buffer.concat(pieces), sdkKey, batchId };
        const verdict = origin.verdict(delivery);
        const isTaken = typeof verdict === 'number' && verdict < 300;
        deliveries.push({ ...delivery, isTaken });
        answer(response, verdict);
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  let server = await open(0);
  const { port } = server.address() as AddressInfo;
  const origin: EventOrigin = {
    url: `http://127.0.0.1:${port}`,
    deliveries,
    get taken() {
      return deliveries.filter((delivery) => delivery.isTaken);
    },
    verdict: () => 202,
    get inFlight() {
      return inFlight;
    },
    took: (count) => eventually(`taking of ${count} batches`, () => origin.taken.length >= count),
    received: (count) => eventually(`coming of ${count} batches`, () => deliveries.length >= count),
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    reopen: async () => {
      server = await open(port);
    },
  };
  return origin;
}

function answer(response: ServerResponse, verdict: Verdict): void {
  if (typeof verdict === 'function') {
    verdict(response);
    return;
  }
  const {
    status,
    headers = {},
    text = '{"success":true}',
  } = typeof verdict === 'number' ? { status: verdict } : verdict;
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

export interface SentEvent {
  readonly eventName: string;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  readonly [member: string]: unknown;
}

/** The events of a delivery, decoded as Statsig would. zstd by its own program, as Node 20 has none. */
export function eventsOf({ headers, body }: Pick<Delivery, 'headers' | 'body'>): readonly SentEvent[] {
  const parsed = JSON.parse(decode(body, headers['content-encoding'] ?? '').toString()) as {
    readonly events: readonly SentEvent[];
  };
  return parsed.events;
}

function decode(body: Buffer, coding: string): Buffer {
  switch (coding) {
    case 'gzip':
      return zlib.gunzipSync(body);
    case 'br':
      return zlib.brotliDecompressSync(body);
    case 'zstd':
      return execFileSync('zstd', ['--decompress', '--stdout'], { input: body, maxBuffer: 1 << 28 });
    default:
      return body;
  }
}
