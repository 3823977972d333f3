// Every HTTP route that Statsig's SDKs ask for, and what the routes answer from.
import type { Clock } from '../../../domain/clock.js';
import type { Logger } from '../../../observability/logger.js';
import type { ClientStreamOptions } from '../../../streams/client-stream.js';
import type { AddRoutes } from '../../../servers/http/http-server.js';
import type { ClientCensus } from '../clients/client-census.js';
import { openToBrowsers } from '../../../servers/http/browser-access.js';
import { addDeltaRoutes } from './delta-routes.js';
import { addIdListFileRoutes, type IdListFileSource } from './id-list-file-routes.js';
import { addIdListRoutes, type IdListOptions, type Rewrite } from './id-list-routes.js';
import { addLogEventRoutes, LOG_EVENT_PATHS, type LogEventSink } from './log-event-routes.js';
import { PayloadReply, type DeltaSource } from './payload-reply.js';
import type { ProxyPaths } from '../proxy-path.js';
import type { BodyRoom } from '../../../servers/http/request-body.js';
import { addRemoteValueRoutes, type RemoteValueSource } from './remote-value-routes.js';
import { addSpecStreamRoutes, SPEC_STREAM_URLS, type SpecStreamRooms } from './spec-stream-routes.js';
import { addSpecRoutes, SPEC_URLS, type SpecRequestCounts, type SpecSource } from './spec-routes.js';

export interface StatsigRouteOptions {
  /** Where bodies of requests arrive. */
  readonly bodies: BodyRoom;
  /** Of one body of log events, as it travels. */
  readonly logEventBodyBytesMax: number;
  readonly idLists: IdListOptions;
  readonly streams: ClientStreamOptions;
}

export interface StatsigSources {
  readonly specs: SpecSource;
  readonly logEvents: LogEventSink;
  readonly rewriteManifest: Rewrite;
  readonly idListFiles: IdListFileSource;
  readonly counts: SpecRequestCounts;
  readonly census: ClientCensus;
  readonly paths: ProxyPaths;
  readonly deltas: DeltaSource;
  /** Whether a key is served at all. */
  readonly admits: (sdkKey: string) => boolean;
  readonly remoteValues: RemoteValueSource;
  readonly streams: SpecStreamRooms;
}

export function statsigRoutes(
  clock: Clock,
  log: Logger,
  sources: StatsigSources,
  options: StatsigRouteOptions,
): AddRoutes {
  return (app) => {
    const payloadReply = new PayloadReply(clock, sources.deltas, sources.census);
    const { paths } = sources;
    app.register(async (scope) => {
      openToBrowsers(scope, [...SPEC_URLS.map(({ url }) => url), ...SPEC_STREAM_URLS, ...LOG_EVENT_PATHS]);
      const { bodies, logEventBodyBytesMax } = options;
      addSpecRoutes(scope, paths.specs, sources.specs, payloadReply, { bodies, counts: sources.counts });
      addSpecStreamRoutes(scope, clock, log, sources.streams, options.streams);
      const { logEvents, admits } = sources;
      addLogEventRoutes(scope, paths.logEvents, { sink: logEvents, admits }, bodies, logEventBodyBytesMax);
    });
    addDeltaRoutes(app, sources.admits);
    addIdListRoutes(
      app,
      paths.idLists,
      sources.specs,
      sources.rewriteManifest,
      payloadReply,
      options.idLists,
    );
    addIdListFileRoutes(app, sources.idListFiles, sources.admits);
    addRemoteValueRoutes(app, paths.specs, sources.remoteValues);
  };
}
