// What strangers can send to an open port costs little memory and no known client an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import type { Daemon } from './daemon.js';
import { specPath } from './origin.js';
import {
  IDLE,
  MEMORY_MIB_MAX,
  openIdle,
  sendChunks,
  startKnownClient,
  startNarrowDaemon,
  WARM_ANSWERS,
  watchMemory,
} from './strangers.js';

const MIB = 1024 * 1024;
const LIMIT_REACHED = 'clients reached a limit';
const FEWER =
  'fewer client connections than asked for: the process may not open more files (ulimit -n), or has too little memory';

interface Status {
  readonly tables: Record<
    string,
    { readonly entries: number; readonly entriesMax: number; readonly reached?: number }
  >;
}

async function statusOf({ adminUrl }: Daemon): Promise<Status> {
  return JSON.parse((await rawRequest(`${adminUrl}/status`)).text) as Status;
}

for (const [name, portOf] of [
  ['http', (daemon: Daemon) => daemon.port],
  ['admin', (daemon: Daemon) => Number(new URL(daemon.adminUrl).port)],
] as const) {
  test(`more idle connections to the ${name} port than the process may have open keep nobody out`, async (t) => {
    const daemon = await startNarrowDaemon(t);
    await daemon.program.line(FEWER);
    const client = startKnownClient(t, daemon);
    await eventually('answers', () => client.answers > 20);
    await openIdle(t, portOf(daemon), IDLE);
    const before = client.answers;
    await eventually('answers', () => client.answers > before + 50);
    await client.stop();
    await daemon.program.line(LIMIT_REACHED, ({ limit }) => limit === `${name}Connections`);
    assert.equal(daemon.program.logs.withMessage(LIMIT_REACHED).length, 1);
    const { tables } = await statusOf(daemon);
    const { entries = 0, entriesMax = 0, reached = 0 } = tables[`${name}Connections`] ?? {};
    assert.ok(reached > 300, `${reached} closed`);
    assert.ok(entries > 50 && entries <= entriesMax && entriesMax < 700, `${entries} of ${entriesMax}`);
  });
}

for (const path of ['/v1/log_event', specPath(SDK_KEY), '/v1/get_id_lists', '/nothing-here']) {
  test(`a body in one-byte chunks, posted to ${path}, takes no more memory than is counted`, async (t) => {
    const daemon = await startNarrowDaemon(t);
    const client = startKnownClient(t, daemon);
    await eventually('answers', () => client.answers > WARM_ANSWERS);
    const memory = watchMemory(t, daemon.program.pid);
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => sendChunks(t, daemon.port, path, MIB)));
    await client.stop();
    const mib = memory.stop();
    t.diagnostic(`${Math.round(mib)} MiB; slowest answer ${Math.round(client.slowestMs)} ms`);
    assert.ok(mib < MEMORY_MIB_MAX, `${mib} MiB`);
  });
}

test('nor does a body that nobody reads, of a request whose answer waits for the origin', async (t) => {
  const daemon = await startNarrowDaemon(t);
  const client = startKnownClient(t, daemon);
  await eventually('answers', () => client.answers > WARM_ANSWERS);
  const memory = watchMemory(t, daemon.program.pid);
  const waiting = Array.from({ length: 20 }, () =>
    sendChunks(t, daemon.port, specPath('secret-slowkey0123456789'), 150_000, 'GET'),
  );
  // Until the proxy gives up on the origin.
  await Promise.all(waiting);
  await client.stop();
  const mib = memory.stop();
  t.diagnostic(`${Math.round(mib)} MiB; slowest answer ${Math.round(client.slowestMs)} ms`);
  assert.ok(mib < MEMORY_MIB_MAX, `${mib} MiB`);
});
