// Where one event loop ends, as a table for docs/operations.md: what a CPU second is enough for, and what a second process adds.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { TestAuthority } from '../test/fakes/test-authority.js';
import { startChildServer, type ChildServer } from './child-server.js';
import { startSide } from './grpc-fanout.js';
import { installed, load, medianOf, type Round } from './wrk.js';

const ROUNDS = 3;
const ROUND_S = 2;
const CONNECTIONS = 32;
const HANDSHAKES_AT_ONCE = 8;
const STREAMS = 200;
const UPDATES = 3;
const KEY = 'secret-benchkey0123456789';
/** Makes a gzip body of about 300 kB. */
const NOISE_BYTES = 300_000;
const PATH = `/v2/download_config_specs/${KEY}.json`;
const POLL = `${PATH}?sinceTime=1700000000000`;

interface Row {
  readonly work: string;
  readonly perCpuS: number;
  readonly unit: string;
}

export async function cores(): Promise<void> {
  if (!installed('wrk')) {
    console.log('needs wrk: apt-get install wrk');
    return;
  }
  const authority = new TestAuthority();
  const { certPath, keyPath } = authority.issue('proxy');
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 10,
    noiseBytes: NOISE_BYTES,
    encoding: 'gzip',
  });
  const options = {
    origin: origin.url,
    args: ['--https-port', '0', '--enforce-tls', 'false'].concat(
      ['--x509-server-cert-path', certPath],
      ['--x509-server-key-path', keyPath],
    ),
    files: { [certPath]: readFileSync(certPath, 'utf8'), [keyPath]: readFileSync(keyPath, 'utf8') },
  };
  const pair: readonly ChildServer[] = [
    await startChildServer('./servers/proxy-server.ts', options),
    await startChildServer('./servers/proxy-server.ts', options),
  ];
  try {
    const [one] = pair as [ChildServer];
    const https = String(one.told['httpsUrl']);
    const rows = [
      await answers('no update, HTTP/1.1', one, one.url, POLL),
      await answers('300 kB in gzip, HTTP/1.1', one, one.url, PATH),
      await answers('no update, HTTPS', one, https, POLL),
      await answers('300 kB in gzip, HTTPS', one, https, PATH),
      await handshakes(one, https),
      await streamed(),
    ];
    printTable(rows);
    await compareTwo('no update', pair, POLL);
    await compareTwo('300 kB in gzip', pair, PATH);
  } finally {
    for (const server of [...pair, origin]) await server.stop();
    authority.close();
  }
}

async function answers(work: string, server: ChildServer, url: string, path: string): Promise<Row> {
  const { perCpuS } = medianOf(await roundsOf(server, url, path));
  return { work, perCpuS, unit: 'answers' };
}

async function roundsOf(server: ChildServer, url: string, path: string): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  await roundOf(server, url, path);
  while (rounds.length < ROUNDS) rounds.push(await roundOf(server, url, path));
  return rounds;
}

function roundOf(server: ChildServer, url: string, path: string): Promise<Round> {
  const asked = { path, encodings: 'gzip', connections: CONNECTIONS, durationS: ROUND_S };
  return load(url, asked, server.cpuMs);
}

async function handshakes(server: ChildServer, url: string): Promise<Row> {
  const clients = await startChildServer('./servers/tls-clients.ts', { url, atOnce: HANDSHAKES_AT_ONCE });
  try {
    // The first are slower.
    await pause(ROUND_S * 1000);
    const before = { shaken: await shakenBy(clients), cpuMs: await server.cpuMs() };
    await pause(ROUND_S * 1000);
    const shaken = (await shakenBy(clients)) - before.shaken;
    const cpuS = ((await server.cpuMs()) - before.cpuMs) / 1000;
    return { work: 'TLS handshakes, none resumed', perCpuS: shaken / cpuS, unit: 'handshakes' };
  } finally {
    await clients.stop();
  }
}

async function shakenBy(clients: ChildServer): Promise<number> {
  const { handshakes: shaken, failures } = await clients.ask({ kind: 'shaken' });
  if (Array.isArray(failures) && failures.length > 0) throw new Error(failures.join(', '));
  return Number(shaken);
}

/** Updates for streams, which get them without compression. */
async function streamed(): Promise<Row> {
  const side = await startSide('./servers/grpc-proxy-server.ts', STREAMS);
  try {
    while (side.updates.length < UPDATES) await side.update();
    const cpuMs = side.updates.map(({ serverCpuMs }) => serverCpuMs).sort((left, right) => left - right);
    const cpuS = (cpuMs[Math.floor(cpuMs.length / 2)] ?? NaN) / 1000;
    const size = `${(side.specBytes / 1e6).toFixed(1)} MB`;
    const work = `updates of ${size} to ${STREAMS} gRPC streams`;
    return { work, perCpuS: (STREAMS * side.specBytes) / 1e6 / cpuS, unit: 'MB' };
  } finally {
    await side.stop();
  }
}

function printTable(rows: readonly Row[]): void {
  console.log('\n| work | in one CPU second |\n|---|---|');
  for (const { work, perCpuS, unit } of rows) {
    console.log(`| ${work} | ${Math.round(perCpuS).toLocaleString('en')} ${unit} |`);
  }
}

/**
 * Two processes with a load each, at the same time, beside one alone. The load takes CPU of the same machine, so what they
 * answer is divided by the CPU time that they had: two CPUs of their own would answer the sum.
 */
async function compareTwo(work: string, pair: readonly ChildServer[], path: string): Promise<void> {
  const alone: Round[] = [];
  const together: Round[][] = pair.map(() => []);
  for (const server of pair) await roundOf(server, server.url, path);
  const [one] = pair as [ChildServer];
  // Turn by turn, so that a noisy neighbour meets both.
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    alone.push(await roundOf(one, one.url, path));
    const rounds = await Promise.all(pair.map((server) => roundOf(server, server.url, path)));
    for (const [at, round] of rounds.entries()) together[at]?.push(round);
  }
  const single = medianOf(alone).perCpuS;
  const both = together.map((rounds) => medianOf(rounds).perCpuS);
  const sum = both.reduce((total, each) => total + each, 0);
  console.log(
    `\n${work}: one process ${single.toFixed(0)} answers per CPU second; two at once ${both.map((each) => each.toFixed(0)).join(' + ')}, ${(sum / single).toFixed(2)} times as many`,
  );
}
