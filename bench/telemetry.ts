// What sinks of events cost on the path of a hit, beside a proxy that records nothing: CPU per request, turn by turn.
// `all` is Prometheus, statsd and OTLP together; what is off by default besides has rows of its own, without a bound.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import autocannon from 'autocannon';
import { startChildServer, type ChildServer } from './child-server.js';

const ROUNDS = 12;
const ROUND_S = 1;
const CONNECTIONS = 32;
const KEY = 'secret-benchkey0123456789';
/** Of the spec that the origin of this benchmark has: a later one would be answered with the whole spec. */
const VERSION = 1_700_000_000_000;
const PATH = `/v1/download_config_specs/${KEY}.json?sinceTime=${VERSION}`;

/** As the core SDK for Node sends them. */
const SDK_HEADERS = {
  'statsig-supports-proto': 'true',
  'accept-encoding': 'statsig-br, gzip, deflate, br',
  'x-request-service': 'unknown',
  'statsig-api-key': KEY,
  'statsig-sdk-type': 'statsig-server-core-node',
  'statsig-sdk-version': '0.23.2',
  'statsig-server-session-id': '6f1c8d0e-7c4b-4f0e-9f43-0a4f5b1f3b11',
  'statsig-client-time': '1795660000000',
  accept: '*/*',
};

/** `costMax`: of CPU per request, more than where nothing is recorded; undefined where there is no bound. */
interface Case {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly costMax?: number;
}

export async function telemetry(): Promise<void> {
  const receiver = createSocket('udp4');
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const statsd = { STATSD_PORT_OVERRIDE: String(receiver.address().port) };
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const collectorUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const otlp = {
    SFP_OTLP_LOGGING: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    // Six times as often as by default, so that there are some.
    OTEL_METRIC_EXPORT_INTERVAL: '10000',
  };
  const statsig = {
    SFP_STATSIG_LOGGING: '1',
    STATSIG_SERVER_SDK_KEY: 'secret-metrics0123456789',
    LOG_EVENT_STATSIG_ENDPOINT: collectorUrl,
  };
  const cases: readonly Case[] = [
    { name: 'none', options: { recordsNothing: true } },
    { name: 'prometheus', options: {}, costMax: 0.03 },
    { name: 'statsd', options: { env: { ...statsd, SFP_STATSD_LOGGING: '1' } }, costMax: 0.15 },
    { name: 'otlp', options: { env: otlp }, costMax: 0.15 },
    { name: 'all', options: { env: { ...statsd, ...otlp, SFP_STATSD_LOGGING: '1' } }, costMax: 0.15 },
    { name: 'datadog', options: { env: { ...statsd, SFP_DATADOG_LOGGING: '1' } } },
    { name: 'statsig', options: { env: statsig } },
    { name: 'access log', options: { env: { SFP_ACCESS_LOG: '1' } } },
    { name: 'traces', options: { env: { ...otlp, OTEL_TRACES_EXPORTER: 'otlp' } } },
  ];
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 10,
    noiseBytes: 1_000,
    encoding: 'gzip',
  });
  const proxies: ChildServer[] = [];
  for (const { options } of cases) {
    const proxy = await startChildServer('./servers/proxy-server.ts', { origin: origin.url, ...options });
    await load(proxy);
    proxies.push(proxy);
  }
  const costs = cases.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, proxy] of proxies.entries()) costs[at]?.push(await load(proxy));
  }
  // The least: whatever else runs on the machine makes it more.
  const least = costs.map((each) => Math.min(...each));
  const base = least[0] ?? NaN;
  for (const [at, each] of cases.entries()) console.log(`  ${reportOf(each, least[at] ?? NaN, base)}`);
  for (const proxy of proxies) await proxy.stop();
  await origin.stop();
  receiver.close();
  collector.close();
}

function reportOf({ name, costMax }: Case, micros: number, baseMicros: number): string {
  const cost = micros / baseMicros - 1;
  const bound =
    costMax === undefined ? '' : ` (at most ${costMax * 100} %: ${cost <= costMax ? 'met' : 'MISSED'})`;
  const more = name === 'none' ? '' : `, ${(cost * 100).toFixed(1)} % more${bound}`;
  const perSecond = Math.round(1e6 / micros);
  return `${name.padEnd(12)} ${micros.toFixed(1)} µs of CPU per request, ${perSecond} per CPU second${more}`;
}

/** CPU per request, in microseconds. */
async function load(server: ChildServer): Promise<number> {
  const beforeMs = await server.cpuMs();
  const result = await autocannon({
    url: server.url + PATH,
    headers: SDK_HEADERS,
    connections: CONNECTIONS,
    duration: ROUND_S,
  });
  const afterMs = await server.cpuMs();
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200`);
  return ((afterMs - beforeMs) * 1000) / result.requests.total;
}
