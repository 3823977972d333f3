// An HTTP app of a test on a port of its own, gone when the test is over.
import type { TestContext } from 'node:test';
import { drainHttp } from '../../src/app/shutdown.js';
import { systemClock } from '../../src/domain/clock.js';
import type { HttpApp } from '../../src/servers/http/fastify-app.js';
import { ConnectionLimit } from '../../src/servers/listener/connection-limit.js';
import { ListeningPort } from '../../src/servers/listener/listening-port.js';

export interface ListenOptions {
  readonly host?: string;
  readonly connectionsMax?: number;
}

export interface OpenPort {
  readonly number: number;
  readonly limit: ConnectionLimit;
  /** As the process drains at its stop. */
  drain(): Promise<void>;
}

export async function listenHttp(
  t: TestContext,
  http: HttpApp,
  { host = '127.0.0.1', connectionsMax = 100 }: ListenOptions = {},
): Promise<OpenPort> {
  const limit = new ConnectionLimit({ server: 'http', connectionsMax });
  const settings = { hostSetting: '--host', portSetting: '--http-port' };
  const port = new ListeningPort({ host, port: 0, ...settings }, limit, http.accept);
  await http.ready();
  await port.open();
  t.after(() => port.close(systemClock, 0));
  return { number: port.number, limit, drain: () => drainHttp(systemClock, [http], [port]) };
}
