// All that strangers can send to open ports, at one time: little memory, and no known client without an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import {
  IDLE,
  MEMORY_MIB_MAX,
  openIdle,
  sendChunks,
  startKnownClient,
  startNarrowDaemon,
  startUnfinishedCalls,
  WARM_ANSWERS,
  watchMemory,
} from './strangers.js';

const UNFINISHED_CALLS = 1_000;
const WIRE_BYTES = 60_000_000;
const SENDERS = 24;

test('60 MB of one-byte chunks, 1,000 unfinished gRPC calls and 1,100 idle connections to each port', async (t) => {
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
