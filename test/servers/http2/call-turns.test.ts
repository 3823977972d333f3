// Calls are answered in their order, all of them, and never more than fifty in one turn of the event loop.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { CallTurns } from '../../../src/servers/http2/call-turns.js';
import { eventually } from '../../e2e/deadline.js';
import { FrameClient, framedRequest } from '../../fakes/http2-frames.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { startScene } from '../grpc/grpc-scene.js';

const CALLS_PER_TURN_MAX = 50;

describe('turns of calls', () => {
  it('keep the order, lose none, and have fifty at most, however calls come', async () => {
    const comings = fc.array(fc.integer({ min: 0, max: 170 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(comings, async (counts) => {
        const turns = new CallTurns();
        const answered: number[] = [];
        let came = 0;
        const coming = [...counts];
        while (coming.length > 0 || answered.length < came) {
          const before = answered.length;
          const count = coming.shift() ?? 0;
          for (const number of Array.from({ length: count }, () => came++)) {
            turns.take(() => answered.push(number));
          }
          assert.ok(answered.length - before <= CALLS_PER_TURN_MAX);
          const after = answered.length;
          await nextTurn();
          assert.ok(answered.length - after <= CALLS_PER_TURN_MAX);
        }
        assert.deepEqual(
          answered,
          Array.from({ length: came }, (_none, number) => number),
        );
      }),
    );
  });

  it('answer a call at once where there is no rush', () => {
    const turns = new CallTurns();
    const answered: number[] = [];
    for (let number = 0; number < CALLS_PER_TURN_MAX; number += 1) turns.take(() => answered.push(number));
    assert.equal(answered.length, CALLS_PER_TURN_MAX);
  });
});

describe('calls that come together', () => {
  it('are all answered; one that was reset before its turn is passed over', async (t) => {
    const scene = await startScene(t);
    const client = new FrameClient(scene.proxy.grpcAddress);
    t.after(() => {
      client.close();
    });
    client.cork();
    const calls = Array.from({ length: 400 }, () => {
      const call = client.call('getConfigSpec');
      client.data(call, framedRequest({ sdkKey: SDK_KEY }), true);
      return call;
    });
    const [given = 0, up = 0] = calls.splice(-2);
    client.reset(given);
    client.reset(up);
    client.uncork();
    await eventually('answers', () => calls.every((call) => client.answered.has(call)));
    await client.ping();
    assert.equal(client.answered.has(given) || client.answered.has(up), false);
    assert.equal(client.isClosed, false);
  });

  for (const method of ['getConfigSpec', '/not.Known/method'] as const) {
    it(`leave the event loop to others between turns: ${method}`, async (t) => {
      const scene = await startScene(t);
      const client = new FrameClient(scene.proxy.grpcAddress);
      t.after(() => {
        client.close();
      });
      await client.ping();
      client.cork();
      for (let count = 0; count < 400; count += 1) {
        const call = client.call(method);
        client.data(call, framedRequest({ sdkKey: SDK_KEY }), true);
      }
      client.uncork();
      let most = 0;
      for (let before = 0; before < 400; before = client.answered.size) {
        await nextTurn();
        assert.equal(client.isClosed, false);
        most = Math.max(most, client.answered.size - before);
      }
      // What the server answered in several turns may be read in one; without turns it is all of them.
      assert.ok(most <= 6 * CALLS_PER_TURN_MAX, `${most} of 400 calls were answered in one turn`);
    });
  }
});
