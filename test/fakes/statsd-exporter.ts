// What statsd_exporter makes of statsd lines without a mapping, on a page for Prometheus: names, labels, counters, gauges, summaries.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { receiveUdp } from './datagram-receiver.js';

export interface StatsdExporter {
  /** Where statsd lines are taken. */
  readonly port: number;
  /** Host and port of its page. */
  readonly target: string;
  close(): Promise<void>;
}

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly type: string;
  readonly values: number[];
}

export async function startStatsdExporter(): Promise<StatsdExporter> {
  const receiver = await receiveUdp();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(toPage(receiver.lines));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: receiver.port,
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await receiver.close();
    },
  };
}

function toPage(lines: readonly string[]): string {
  const samples = new Map<string, Sample>();
  for (const line of lines) {
    const [, path = '', value = '', type = '', tags = ''] =
      /^([\w.]+):([-\d.]+)\|(\w+)(?:\|#(.*))?$/.exec(line) ?? [];
    const name = path.replaceAll('.', '_');
    const labels = tags.split(',').map((tag) => {
      const at = tag.indexOf(':');
      return `${tag.slice(0, at).replaceAll('-', '_')}=${JSON.stringify(tag.slice(at + 1))}`;
    });
    const sample = { name, labels: labels.join(), type, values: [] };
    const known = samples.get(`${name}${sample.labels}`) ?? sample;
    samples.set(`${name}${sample.labels}`, known);
    known.values.push(Number(value));
  }
  return [...samples.values()].flatMap(toLines).join('\n') + '\n';
}

function toLines({ name, labels, type, values }: Sample): string[] {
  const sum = values.reduce((left, right) => left + right, 0);
  if (type === 'c') return [`${name}{${labels}} ${sum}`];
  if (type === 'g') return [`${name}{${labels}} ${values.at(-1) ?? 0}`];
  const largest = Math.max(...values);
  return [
    `${name}{${labels},quantile="0.99"} ${largest / 1000}`,
    `${name}_sum{${labels}} ${sum / 1000}`,
    `${name}_count{${labels}} ${values.length}`,
  ];
}
