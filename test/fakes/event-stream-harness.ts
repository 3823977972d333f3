// A stream of specs as server-sent events, over a connection in memory whose client takes nothing while it is paused.
import { addSpecStreamRoutes } from '../../src/protocols/statsig/http/spec-stream-routes.js';
import { ClientCensus } from '../../src/protocols/statsig/clients/client-census.js';
import { createProxyPaths } from '../../src/protocols/statsig/proxy-path.js';
import { SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { UpdateFeed } from '../../src/core/update-feed.js';
import { buildFastifyApp, type HttpApp } from '../../src/servers/http/fastify-app.js';
import { ConnectionLimit } from '../../src/servers/listener/connection-limit.js';
import { StreamRegistry } from '../../src/streams/stream-registry.js';
import type { SeenMessage, StreamHarness } from '../contracts/stream-contract.js';
import { EventReader } from './event-reader.js';
import { httpBounds } from './http-bounds.js';
import { createTestLog } from './log-sink.js';
import { ManualClock, settle } from './manual-clock.js';
import { MemorySocket } from './memory-socket.js';
import { noProxyEvents } from './proxy-events.js';
import { heldVersion } from './stream-harness.js';

const KEY = { sdkKey: 'k', kind: SPEC_V2, format: 'json' } as const;
const TIMES = { heartbeatMs: 30_000, stallMs: 30_000 };

class SlowSocket extends MemorySocket {
  #isPaused = false;
  readonly #waiting: (() => void)[] = [];

  pauseClient(): void {
    this.#isPaused = true;
  }

  resumeClient(): void {
    this.#isPaused = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  override _write(piece: Buffer, encoding: BufferEncoding, done: () => void): void {
    const go = (): void => {
      super._write(piece, encoding, done);
    };
    if (this.#isPaused) this.#waiting.push(go);
    else go();
  }
}

export class EventStreamHarness implements StreamHarness {
  readonly #clock = new ManualClock();
  readonly #feed = new UpdateFeed();
  readonly #registry = new StreamRegistry(this.#clock, { streamsMax: 10 });
  readonly #http: HttpApp;
  readonly #socket = new SlowSocket();
  #version = 0;

  private constructor() {
    const log = createTestLog();
    this.#http = buildFastifyApp(this.#clock, log, httpBounds());
    const rooms = {
      source: {
        read: () => ({ kind: 'held', held: heldVersion(this.#version) }) as const,
        subscribe: this.#feed.subscribe.bind(this.#feed),
        keepWhileStreamed: () => () => undefined,
      },
      registry: this.#registry,
      census: new ClientCensus(this.#clock, noProxyEvents),
      events: noProxyEvents,
      path: createProxyPaths('0123456789abcdef').specs,
      authority: undefined,
    };
    addSpecStreamRoutes(this.#http.app, this.#clock, log, rooms, TIMES);
  }

  static async create(): Promise<EventStreamHarness> {
    const harness = new EventStreamHarness();
    await harness.#http.ready();
    return harness;
  }

  async open(version: number, sinceTime: number): Promise<void> {
    this.#version = version;
    const place = new ConnectionLimit({ server: 'http', connectionsMax: 1 }).open(() => undefined);
    this.#http.accept(this.#socket.asSocket, place);
    const target = `/v1/stream/download_config_specs/k?v=2&sinceTime=${sinceTime}`;
    // HTTP/1.0 has no chunks between the events.
    this.#socket.send(Buffer.from(`GET ${target} HTTP/1.0\r\n\r\n`));
    await settle();
  }

  async publish(version: number): Promise<void> {
    this.#feed.publish(heldVersion(version));
    await settle();
  }

  pause(): void {
    this.#socket.pauseClient();
  }

  async resume(): Promise<void> {
    this.#socket.resumeClient();
    await settle();
  }

  async advance(durationMs: number): Promise<void> {
    this.#clock.advance(durationMs);
    await settle();
  }

  async revoke(): Promise<void> {
    this.#feed.remove(KEY);
    await settle();
  }

  get seen(): readonly SeenMessage[] {
    return this.#events.flatMap(({ event, id }): SeenMessage[] => {
      if (event === 'end') return [];
      return [{ kind: event === 'heartbeat' ? 'no-updates' : 'spec', version: Number(id) }];
    });
  }

  get ended(): string | undefined {
    const last = this.#events.find(({ event }) => event === 'end');
    if (last !== undefined) return (JSON.parse(last.data) as { readonly reason: string }).reason;
    return this.#socket.destroyed ? 'stalled' : undefined;
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#http.app.close();
  }

  get #events(): EventReader['events'] {
    const text = this.#socket.answered.toString();
    const reader = new EventReader();
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd >= 0) reader.push(text.slice(headEnd + 4));
    return reader.events;
  }
}
