// All that strangers can send to open ports, at one time: little memory, and no known client without an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { lengthOf } from '../fakes/length.js';
import { rawRequest } from '../fakes/raw-request.js';
import {
  IDLE,
  inventKeys,
  MEMORY_MIB_MAX,
  openHalfRequests,
  openIdle,
  openSlowReaders,
  sendChunks,
  startKnownClient,
  startNarrowDaemon,
  startUnfinishedCalls,
  WARM_ANSWERS,
  watchMemory,
} from './strangers.js';

const UNFINISHED_CALLS = 1_000;
/** Six for each chunk, which took 400 bytes and more when they were kept. */
const WIRE_BYTES = lengthOf({ suite: 20_000_000, soak: 60_000_000 });
const SENDERS = 24;
const INVENTED_KEYS = 600;
const SLOW_READERS = 150;
const HALF_REQUESTS = 150;
const MIB = 1024 * 1024;
const CONNECTION_BYTES = 20 * 1024;

test('one-byte chunks, 1,000 unfinished gRPC calls and 1,100 idle connections to each port', async (t) => {
  const daemon = await startNarrowDaemon(t, 'grpc-and-http');
  const client = startKnownClient(t, daemon);
  await eventually('answers', () => client.answers > WARM_ANSWERS);
  const memory = watchMemory(t, daemon.program.pid);
  await openIdle(t, daemon.port, IDLE);
  await openIdle(t, Number(daemon.grpcAddress.split(':')[1]), IDLE);
  await startUnfinishedCalls(t, daemon.grpcAddress, UNFINISHED_CALLS);
  const senders = Array.from({ length: SENDERS }, () =>
    sendChunks(t, daemon.port, '/v1/log_event', WIRE_BYTES / SENDERS),
  );
  await Promise.all(senders);
  const before = client.answers;
  await eventually('answers', () => client.answers > before + 20, 60_000);
  await client.stop();
  const mib = memory.stop();
  t.diagnostic(
    `${Math.round(mib)} MiB; ${client.answers} answers, the slowest ${Math.round(client.slowestMs)} ms`,
  );
  assert.ok(mib < MEMORY_MIB_MAX, `${mib} MiB`);
});

test('all that at once, with half requests, clients that read nothing and invented keys', async (t) => {
  const daemon = await startNarrowDaemon(t, 'grpc-and-http');
  const client = startKnownClient(t, daemon);
  await eventually('answers', () => client.answers > WARM_ANSWERS);
  const memory = watchMemory(t, daemon.program.pid);
  const grpcPort = Number(daemon.grpcAddress.split(':')[1]);
  const adminPort = Number(new URL(daemon.adminUrl).port);
  for (const port of [daemon.port, grpcPort, adminPort]) await openIdle(t, port, IDLE);
  await startUnfinishedCalls(t, daemon.grpcAddress, UNFINISHED_CALLS);
  const invented = inventKeys(daemon.url, INVENTED_KEYS);
  await openSlowReaders(t, daemon.port, SLOW_READERS);
  await openHalfRequests(t, daemon.port, HALF_REQUESTS);
  const senders = Array.from({ length: SENDERS }, () =>
    sendChunks(t, daemon.port, '/v1/log_event', WIRE_BYTES / SENDERS),
  );
  await Promise.all([...senders, invented]);
  const before = client.answers;
  await eventually('answers', () => client.answers > before + 20, 60_000);
  const status = JSON.parse((await rawRequest(`${daemon.adminUrl}/status`)).text) as Status;
  await client.stop();
  const mib = memory.stop();
  t.diagnostic(`${Math.round(mib)} MiB; the slowest answer took ${Math.round(client.slowestMs)} ms`);
  for (const limit of ['httpConnections', 'grpcConnections', 'adminConnections']) {
    assert.ok((status.tables[limit]?.reached ?? 0) > 0, limit);
    await daemon.program.line('clients reached a limit', (line) => line['limit'] === limit);
  }
  assert.equal(status.status, 'degraded');
  assert.ok(mib < boundMib(status), `${mib} MiB of ${boundMib(status)}`);
});

interface Status {
  readonly status: string;
  readonly tables: Readonly<Record<string, { readonly entriesMax: number; readonly reached?: number }>>;
}

/** Of docs/configuration.md: what connections may take, and request bodies. */
function boundMib({ tables }: Status): number {
  const connections = ['httpConnections', 'grpcConnections', 'adminConnections']
    .map((name) => tables[name]?.entriesMax ?? 0)
    .reduce((sum, entriesMax) => sum + entriesMax);
  return MEMORY_MIB_MAX + (connections * CONNECTION_BYTES) / MIB;
}
