// What sinks of events cost on the path of a hit, beside Prometheus alone, which is always on: CPU per request, turn by turn.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import autocannon from 'autocannon';
import { startChildServer, type ChildServer } from './child-server.js';

const ROUNDS = 5;
const ROUND_S = 3;
const CONNECTIONS = 32;
const KEY = 'secret-benchkey0123456789';
const PATH = `/v1/download_config_specs/${KEY}.json?sinceTime=1900000000000`;

/** `costMax`: of CPU per request, more than with Prometheus alone. */
interface Case {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly costMax: number;
}

export async function telemetry(): Promise<void> {
  const receiver = createSocket('udp4');
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const statsd = { STATSD_PORT_OVERRIDE: String(receiver.address().port) };
  const cases: readonly Case[] = [
    { name: 'prometheus', options: {}, costMax: 0 },
    { name: 'statsd', options: { env: { ...statsd, SFP_STATSD_LOGGING: '1' } }, costMax: 0.15 },
    { name: 'datadog', options: { env: { ...statsd, SFP_DATADOG_LOGGING: '1' } }, costMax: 0.15 },
    { name: 'access log', options: { env: { SFP_ACCESS_LOG: '1' } }, costMax: 0.15 },
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
  const medians = costs.map(median);
  const base = medians[0] ?? NaN;
  for (const [at, { name, costMax }] of cases.entries()) {
    const cost = (medians[at] ?? NaN) / base - 1;
    const verdict =
      at === 0
        ? ''
        : `, ${(cost * 100).toFixed(1)} % more (at most ${costMax * 100} %: ${cost <= costMax ? 'met' : 'MISSED'})`;
    console.log(`  ${name.padEnd(12)} ${(medians[at] ?? NaN).toFixed(1)} µs of CPU per request${verdict}`);
  }
  for (const proxy of proxies) await proxy.stop();
  await origin.stop();
  receiver.close();
}

/** CPU per request, in microseconds. */
async function load(server: ChildServer): Promise<number> {
  const before = await server.usage();
  const result = await autocannon({ url: server.url + PATH, connections: CONNECTIONS, duration: ROUND_S });
  const after = await server.usage();
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 200`);
  return ((after.cpuMs - before.cpuMs) * 1000) / result.requests.total;
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}
