// Composition root: builds rooms and servers, opens the ports, and stops everything within a deadline.
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/load-config.js';
import { startEventLoopDelay } from '../observability/event-loop-delay.js';
import { buildAdminServer } from '../servers/admin/admin-server.js';
import { buildHttpServer } from '../servers/http/http-server.js';
import { toAdminLimits, toHttpOptions } from './room-options.js';
import { buildRooms, type World } from './rooms.js';
import { closeInOrder, drainHttp } from './shutdown.js';
import { describeStatus } from './status.js';

export interface App {
  readonly httpPort: number;
  readonly adminPort: number;
  /** Resolves when every pinned key was tried once. */
  readonly startedUp: Promise<void>;
  /** Pins exactly these keys from now on. */
  pin(sdkKeys: ReadonlySet<string>): Promise<void>;
  /** Finishes what is in flight, within a deadline; safe to call again. */
  stop(): Promise<void>;
}

/** Rejects where a port cannot be had; whatever was opened until then is closed again. */
export async function startApp(config: Config, world: World): Promise<App> {
  const { clock, log } = world;
  const startedAtMs = clock.monotonicMs();
  const rooms = buildRooms(config, world);
  const { readiness, events, origin, poller, reader, pinned } = rooms;
  const eventLoopDelay = startEventLoopDelay();
  const http = buildHttpServer(clock, log, events, reader, readiness, toHttpOptions(config));
  const status = (): object => describeStatus({ ...rooms, ...world, config, startedAtMs, eventLoopDelay });
  const admin = buildAdminServer(log, readiness, status, toAdminLimits(config));

  const closeAll = (): Promise<void> =>
    closeInOrder([
      async () => {
        poller.stop();
      },
      () => drainHttp(clock, [http, admin], () => origin.close()),
      () => origin.close(),
      async () => {
        eventLoopDelay.stop();
      },
    ]);
  try {
    await admin.listen({ host: config.adminHost, port: config.adminPort });
    await http.listen({ host: config.host, port: config.httpPort });
  } catch (error) {
    await closeAll();
    throw error;
  }

  const { host, adminHost, statsigEndpoint, pinnedSdkKeys } = config;
  const ports = { httpPort: portOf(http), adminPort: portOf(admin) };
  log.info({ host, adminHost, ...ports, origin: statsigEndpoint.href }, 'listening');
  const startedUp = pinned.pin(pinnedSdkKeys).then(() => {
    readiness.startedUp();
    log.info({ pinnedSdkKeys: pinnedSdkKeys.size }, 'started up: ready for traffic');
  });
  let stopped: Promise<void> | undefined;
  return {
    ...ports,
    startedUp,
    pin: (sdkKeys) => pinned.pin(sdkKeys),
    stop: () => {
      readiness.drain();
      stopped ??= closeAll();
      return stopped;
    },
  };
}

function portOf(server: FastifyInstance): number {
  return (server.server.address() as AddressInfo).port;
}
