// What clients that never finish a request cost a daemon: memory within bounds, a count, a log line, and specs go on.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { frame, FrameClient, framedMessage } from '../fakes/http2-frames.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startDaemon, type Daemon } from './daemon.js';
import { specPath, startOrigin } from './origin.js';

const MIB = 1024 * 1024;
const CALLS = 1_000;
const CONNECTIONS = 2;
const COST_BYTES_MAX = 100 * MIB;
const DATA_FRAME_BYTES = 16_384;

interface Status {
  readonly memoryBytes: { readonly rss: number };
  readonly tables: Readonly<Record<string, { readonly entries: number }>>;
  readonly grpc: { readonly limitsReached: Readonly<Record<string, number>> };
}

async function statusOf({ adminUrl }: Daemon): Promise<Status> {
  return JSON.parse((await rawRequest(`${adminUrl}/status`)).text) as Status;
}

/** Begins all calls, and gives what their requests cost; `send` writes the request of one. */
async function costOf(
  t: TestContext,
  daemon: Daemon,
  send: (client: FrameClient, call: number) => Promise<void>,
): Promise<number> {
  const before = (await statusOf(daemon)).memoryBytes.rss;
  const clients = Array.from({ length: CONNECTIONS }, () => new FrameClient(daemon.grpcAddress));
  t.after(() => {
    for (const client of clients) client.close();
  });
  for (let count = 0; count < CALLS / CONNECTIONS; count += 1) {
    for (const client of clients) {
      await send(client, client.call('StreamConfigSpec'));
      await client.flushed();
    }
  }
  // Answered only after what came before it.
  await Promise.all(clients.map((client) => client.ping()));
  const after = (await statusOf(daemon)).memoryBytes.rss;
  assert.equal((await rawRequest(`${daemon.url}${specPath(SDK_KEY)}`)).status, 200);
  return after - before;
}

describe('1,000 gRPC calls on two connections', () => {
  it('cost little where each sends all of 1 MiB but its last byte; counted, and told', async (t) => {
    const daemon = await startDaemon(t, (await startOrigin(t)).url, { mode: 'grpc-and-http' });
    const request = framedMessage(Buffer.alloc(MIB - 1), false, MIB);
    const cost = await costOf(t, daemon, async (client, call) => {
      for (let at = 0; at < request.length; at += DATA_FRAME_BYTES) {
        client.data(call, request.subarray(at, at + DATA_FRAME_BYTES));
      }
      await client.flushed();
    });
    assert.ok(cost < COST_BYTES_MAX, `${Math.round(cost / MIB)} MiB`);
    assert.equal((await statusOf(daemon)).grpc.limitsReached['requestBytes'], CALLS);
    const line = await daemon.program.line('gRPC clients reached a limit');
    assert.equal(line['limit'], 'requestBytes');
  });

  it('cost little where each sends 4,000 bytes one by one; all are counted, and end after 10 s', async (t) => {
    const daemon = await startDaemon(t, (await startOrigin(t)).url, { mode: 'grpc-and-http' });
    const cost = await costOf(t, daemon, async (client, call) => {
      client.data(call, framedMessage(Buffer.alloc(0), false, 4_001));
      const oneByte = frame(0, 0, call, Buffer.alloc(1));
      client.write(Buffer.concat(Array.from({ length: 4_000 }, () => oneByte)));
      await client.flushed();
    });
    assert.ok(cost < COST_BYTES_MAX, `${Math.round(cost / MIB)} MiB`);
    const cut = async (): Promise<boolean> =>
      (await statusOf(daemon)).grpc.limitsReached['requestTime'] === CALLS;
    await eventually('end of all', cut);
    assert.equal((await statusOf(daemon)).tables['grpcCalls']?.entries ?? 0, 0);
  });
});
