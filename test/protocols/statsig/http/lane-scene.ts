// Two HTTP servers over the same specs, one with the fast lane and one without: what each answers on the same bytes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { canMakeZstd } from '../../../../src/bodies/body-forms.js';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import type { FormEncoding } from '../../../../src/domain/payload.js';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import { PayloadStore, type HeldPayload } from '../../../../src/core/payload-store.js';
import type { Reading } from '../../../../src/core/reader.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { openToBrowsers } from '../../../../src/servers/http/browser-access.js';
import { PayloadReply } from '../../../../src/protocols/statsig/http/payload-reply.js';
import { PreparedSpecAnswers } from '../../../../src/protocols/statsig/http/prepared-spec-answers.js';
import { ProxyPath } from '../../../../src/protocols/statsig/proxy-path.js';
import { addSpecRoutes, namedKey, SPEC_URLS } from '../../../../src/protocols/statsig/http/spec-routes.js';
import type { PreparedAnswers } from '../../../../src/servers/http/fast-lane/fast-lane.js';
import type { HttpApp } from '../../../../src/servers/http/fastify-app.js';
import { buildHttpServer } from '../../../../src/servers/http/http-server.js';
import { ConnectionLimit } from '../../../../src/servers/listener/connection-limit.js';
import { Readiness } from '../../../../src/servers/readiness.js';
import { DEMO } from '../../../fakes/demo-payloads.js';
import { httpBounds } from '../../../fakes/http-bounds.js';
import { LogSink } from '../../../fakes/log-sink.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { MemorySocket } from '../../../fakes/memory-socket.js';
import type { ProxyEventFields } from '../../../../src/observability/event-fields.js';
import type { ProxyEvents } from '../../../../src/observability/proxy-events.js';

/** What came back on one connection, and what was made known of it. */
export interface Outcome {
  readonly bytes: string;
  readonly isOver: boolean;
  readonly events: readonly Partial<ProxyEventFields>[];
  /** What the census of clients was told. */
  readonly polls: readonly unknown[];
}

/** All that an event of an answer says, but for how long it took. */
const FIELDS = [
  'path',
  'route',
  'method',
  'status',
  'bytes',
  'sdkKey',
  'lcut',
  'acceptEncoding',
  'contentEncoding',
  'sdkType',
  'sdkVersion',
  'clientService',
  'responsePayload',
] as const satisfies readonly (keyof ProxyEventFields)[];

class AnswerEvents implements ProxyEvents {
  readonly all: Partial<ProxyEventFields>[] = [];
  readonly polls: unknown[] = [];

  record(_name: string, fields: ProxyEventFields): void {
    this.all.push(Object.fromEntries(FIELDS.map((field) => [field, fields[field]])));
  }
}

/** A form that is made while a request waits comes after any number of turns. */
const MADE_OF_PROTOBUF: readonly FormEncoding[] = canMakeZstd ? ['zstd'] : [];

/** Turns of the event loop in which nothing may happen before a connection counts as quiet. */
const QUIET_TURNS = 3;

export class LaneScene {
  readonly clock = new ManualClock();
  readonly readiness = new Readiness(() => []);
  /** Requests, so far. */
  answeredInLane = 0;
  readonly #store: PayloadStore;
  readonly #limit = new ConnectionLimit({ server: 'http', connectionsMax: 100 });
  readonly #servers: Record<'with' | 'without', { readonly http: HttpApp; readonly events: AnswerEvents }>;

  constructor() {
    this.#store = new PayloadStore(this.clock, createConcurrencyLimit(2), { sdkKeysMax: 10 });
    this.#servers = { with: this.#server(true), without: this.#server(false) };
  }

  async ready(): Promise<void> {
    await Promise.all(Object.values(this.#servers).map(({ http }) => http.ready()));
  }

  /** Holds every payload of the key in version `version`, each in all of its forms. */
  async hold(sdkKey: string, version: number): Promise<void> {
    for (const demo of [DEMO.v1Json, DEMO.v2JsonBr, DEMO.protobuf]) {
      const key = demo.keyOf(sdkKey);
      this.#store.apply(key, demo.payloadOf(version));
      const forms = this.#store.peek(key)?.forms;
      const encodings = key.format === 'json' ? forms?.byEase : MADE_OF_PROTOBUF;
      for (const encoding of encodings ?? []) await forms?.make(encoding);
    }
  }

  /** Sends the pieces, each in a turn of its own, and then the end of what the client has to say. */
  async send(lane: 'with' | 'without', pieces: readonly Buffer[]): Promise<Outcome> {
    const { http, events } = this.#servers[lane];
    events.all.length = 0;
    events.polls.length = 0;
    const socket = new MemorySocket();
    const place = this.#limit.open(() => socket.destroy());
    socket.once('close', () => {
      place.leave();
    });
    socket.on('error', () => undefined);
    http.accept(socket.asSocket, place);
    for (const piece of pieces) {
      if (socket.destroyed) break;
      socket.send(piece);
      await quiet(socket);
    }
    const isOver = socket.destroyed || socket.writableEnded;
    if (!socket.destroyed) socket.push(null);
    await quiet(socket);
    socket.destroy();
    return { bytes: withoutTime(socket.answered), isOver, events: [...events.all], polls: [...events.polls] };
  }

  #counted(answers: PreparedAnswers): PreparedAnswers {
    return {
      names: answers.names,
      find: (head, nowMs) => {
        const found = answers.find(head, nowMs);
        if (found !== undefined) this.answeredInLane += 1;
        return found;
      },
    };
  }

  #server(hasLane: boolean): { readonly http: HttpApp; readonly events: AnswerEvents } {
    const events = new AnswerEvents();
    const census = {
      polled: ({ key, payload }: HeldPayload, ...said: readonly unknown[]): void => {
        events.polls.push([key.sdkKey, key.kind.path, key.format, payload.version, ...said]);
      },
    };
    const log = createLogger(new LogSink(), { level: 'info', instanceName: 'replica', version: 'test' });
    const held = this.#store.read.bind(this.#store);
    const bounds = httpBounds();
    const source = { read: (key: PayloadKey) => toReading(held(key)) };
    const addRoutes = (app: FastifyInstance): void => {
      app.register(async (scope) => {
        openToBrowsers(
          scope,
          SPEC_URLS.map(({ url }) => url),
        );
        const reply = new PayloadReply(this.clock, { answer: () => 'no_cached' }, census);
        const path = new ProxyPath('0123456789abcdef');
        const counts = { sinceTimeIgnored: 0 };
        addSpecRoutes(scope, path, source, reply, { bodies: bounds.bodies, counts });
      });
    };
    const prepared = hasLane ? this.#counted(new PreparedSpecAnswers({ held }, census)) : undefined;
    const options = { ...bounds, instanceName: 'replica', namedKey, prepared };
    return {
      http: buildHttpServer(this.clock, log, events, this.readiness, options, [addRoutes]),
      events,
    };
  }
}

function toReading(held: ReturnType<PayloadStore['read']>): Reading {
  return held === undefined ? { kind: 'refused' } : { kind: 'held', held };
}

/** Until nothing more is written. */
async function quiet(socket: MemorySocket): Promise<void> {
  let before = -1;
  for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
    await nextTurn();
    const length = socket.answered.length;
    if (length !== before) turns = 0;
    before = length;
  }
}

function withoutTime(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\r\nDate: [^\r]*/g, '\r\nDate: …');
}
