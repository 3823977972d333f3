// The routes that Replane's SDKs ask for: one stream per client, of all configs and of every change.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../domain/clock.js';
import { isValidSdkKey, SDK_KEY_RULE } from '../../../domain/sdk-key.js';
import type { ProxyEventName } from '../../../observability/catalogue.js';
import { streamFields } from '../../../observability/event-fields.js';
import type { Logger } from '../../../observability/logger.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import { openToBrowsers } from '../../../servers/http/browser-access.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';
import { EventStream } from '../../../servers/http/event-stream.js';
import type { AddRoutes } from '../../../servers/http/http-server.js';
import { sendReadingError } from '../../../servers/http/reading-reply.js';
import type { BodyRoom } from '../../../servers/http/request-body.js';
import type { ClientStreamOptions } from '../../../streams/client-stream.js';
import {
  StreamOpener,
  type Opening,
  type StreamClient,
  type StreamSource,
} from '../../../streams/open-stream.js';
import type { StreamRegistry } from '../../../streams/stream-registry.js';
import type { Reading } from '../../../core/reader.js';
import { projectKey, REPLANE_PROJECT } from '../project-kind.js';
import { CONNECTED } from '../project/frames.js';
import { projectOf } from '../project/project.js';
import { addAskedConfigs } from './asked-configs.js';
import { createProjectEvents, type SentMessage } from './project-events.js';

export interface ReplaneRooms {
  readonly source: StreamSource;
  readonly registry: StreamRegistry;
  readonly events: ProxyEvents;
  readonly bodies: BodyRoom;
}

/** The second is what older SDKs ask for. */
export const REPLANE_URLS = [REPLANE_PROJECT.path, '/api/v1/replication/stream'] as const;

/**
 * For a project that is not held. SDKs wait 2 s for headers and 5 s for all, and try again in between; the fetch goes on
 * meanwhile.
 */
export const FIRST_WAIT_MS_MAX = 1_500;
const RETRY_AFTER_S = 1;
const BEARER = /^Bearer +(\S+) *$/i;

const SENT = {
  first: 'EventStreamOpened',
  update: 'EventStreamUpdateSent',
  heartbeat: 'EventStreamHeartbeatSent',
} as const satisfies Record<SentMessage, ProxyEventName>;

const LATE: Extract<Reading, { kind: 'unavailable' }> = {
  kind: 'unavailable',
  cause: 'origin_failing',
  detail: '',
  retryAfterMs: 1_000,
};

/** The SDK key of a request to one of these routes; undefined for any other. */
export function replaneKeyOf(request: FastifyRequest): string | undefined {
  const isOurs = REPLANE_URLS.some((url) => url === request.routeOptions.url);
  return isOurs ? bearerOf(request) : undefined;
}

/** The SDK key that a request brings; undefined for one without. */
export function bearerOf({ headers: { authorization = '' } }: FastifyRequest): string | undefined {
  return BEARER.exec(authorization)?.[1];
}

/** As Replane's server says it. */
export function sendMissingKey(reply: FastifyReply): FastifyReply {
  return reply.code(401).header('content-type', 'application/json').send('{"msg":"Missing SDK key"}');
}

export function replaneRoutes(
  clock: Clock,
  log: Logger,
  rooms: ReplaneRooms,
  options: ClientStreamOptions,
): AddRoutes {
  return (app) => {
    app.register(async (scope: FastifyInstance) => {
      openToBrowsers(scope, REPLANE_URLS);
      addAskedConfigs(scope, rooms.bodies);
      const streams = new ProjectStreams(clock, log, rooms, options);
      for (const url of REPLANE_URLS) scope.post(url, (request, reply) => streams.answer(request, reply));
    });
  };
}

class ProjectStreams {
  readonly #clock: Clock;
  readonly #rooms: ReplaneRooms;
  readonly #opener: StreamOpener;

  constructor(clock: Clock, log: Logger, rooms: ReplaneRooms, options: ClientStreamOptions) {
    this.#clock = clock;
    this.#rooms = rooms;
    this.#opener = new StreamOpener(clock, log, rooms.source, rooms.registry, options);
  }

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const sdkKey = bearerOf(request);
    if (sdkKey === undefined) return sendMissingKey(reply);
    if (!isValidSdkKey(sdkKey)) {
      return sendError(reply, errorBody('sdk_key_invalid', `An SDK key has ${SDK_KEY_RULE}`));
    }
    if (this.#rooms.registry.isDraining) {
      return sendError(reply, errorBody('stopping', 'This replica stops: connect again.'), RETRY_AFTER_S);
    }
    const stream = new EventStream(reply);
    const patience = new Patience(this.#clock, stream);
    try {
      return await this.#open(request, reply, stream, patience, sdkKey);
    } finally {
      patience.end();
    }
  }

  async #open(
    request: FastifyRequest,
    reply: FastifyReply,
    stream: EventStream,
    patience: Patience,
    sdkKey: string,
  ): Promise<FastifyReply> {
    const key = projectKey(sdkKey);
    const onGone = patience.onOver.bind(patience);
    const asked = (request.body ?? []) as readonly string[];
    if (asked.length > 0) {
      const reading = await patience.atMost(this.#opener.read(key, { ip: request.ip, onGone }));
      if (reading === undefined) return this.#answerTo({ kind: 'gone' }, reply, sdkKey, patience.isOver);
      const configs = reading.kind === 'held' ? projectOf(reading.held.payload).configs : undefined;
      const missing = configs && asked.find((name) => !configs.has(name));
      if (missing !== undefined) {
        return sendError(
          reply,
          errorBody('config_missing', `No config is called ${JSON.stringify(missing)}.`),
        );
      }
    }
    const sink = createProjectEvents(stream, (what) => {
      this.#record(SENT[what], sdkKey);
    });
    const client: StreamClient = {
      ip: request.ip,
      onGone,
      opened: () => {
        patience.end();
        stream.writeFrames([CONNECTED], () => undefined);
      },
      closed: (why) => {
        this.#record('EventStreamClosed', sdkKey, why ?? 'client_gone');
      },
    };
    const opening = await patience.atMost(this.#opener.open({ key, sinceTime: 0 }, sink, client));
    return this.#answerTo(opening ?? { kind: 'gone' }, reply, sdkKey, patience.isOver);
  }

  #answerTo(opening: Opening, reply: FastifyReply, sdkKey: string, isLate: boolean): FastifyReply {
    switch (opening.kind) {
      case 'opened':
        return reply;
      case 'gone':
        if (!isLate) return reply.hijack();
        this.#record('EventStreamRefused', sdkKey, 'unavailable');
        return sendReadingError(reply, LATE);
      case 'not-held':
        this.#record('EventStreamRefused', sdkKey, opening.reading.kind);
        return sendReadingError(reply, opening.reading);
      case 'no-place': {
        this.#record('EventStreamRefused', sdkKey, 'limit_reached');
        const { streamsMax } = this.#rooms.registry;
        const message = `All ${streamsMax} places for streams are taken: raise --event-streams-max.`;
        return sendError(reply, errorBody('too_many_streams', message), RETRY_AFTER_S);
      }
    }
  }

  #record(name: ProxyEventName, sdkKey: string, reason?: string): void {
    this.#rooms.events.record(name, streamFields(projectKey(sdkKey), reason));
  }
}

/** How long one client is kept waiting for its headers: then it counts as gone, and is told so itself. */
class Patience {
  readonly #listeners: (() => void)[] = [];
  readonly #cancel: () => void;
  readonly #stream: EventStream;
  isOver = false;

  constructor(clock: Clock, stream: EventStream) {
    this.#stream = stream;
    this.#cancel = clock.schedule(FIRST_WAIT_MS_MAX, () => {
      this.isOver = true;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Calls back when the client is gone, or was kept waiting for too long. */
  onOver(listener: () => void): void {
    this.#listeners.push(listener);
    this.#stream.onGone(listener);
  }

  /** Undefined where it takes too long, or the client is gone before. */
  atMost<Result>(result: Promise<Result>): Promise<Result | undefined> {
    const over = new Promise<undefined>((resolve) => {
      this.onOver(() => {
        resolve(undefined);
      });
    });
    return Promise.race([result, over]);
  }

  end(): void {
    this.#cancel();
  }
}
