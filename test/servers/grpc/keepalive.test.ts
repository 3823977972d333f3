// Connections of gRPC clients that died without a word: found by a PING that nobody answers.
import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { FrameClient } from '../../fakes/http2-frames.js';
import { startScene } from './grpc-scene.js';

/** Without a timer, as those are turned by hand. */
async function soon(what: string, look: () => boolean): Promise<void> {
  const untilMs = performance.now() + 30_000;
  while (!look()) {
    assert.ok(performance.now() < untilMs, `there was no ${what}`);
    await new Promise(setImmediate);
  }
}

for (const [stallS, answerMs] of [
  ['30', 40_000],
  ['5', 20_000],
] as const) {
  it(`a silent one is asked for a sign of life after 60 s, and has ${answerMs} ms for it where a stall has ${stallS} s`, async (t) => {
    const scene = await startScene(t, { args: ['--grpc-stream-stall-timeout-in-s', stallS] });
    // Of grpc-js; the proxy's own clock stands still.
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => {
      mock.timers.reset();
    });
    const client = new FrameClient(scene.proxy.grpcAddress);
    t.after(() => {
      client.close();
    });
    await soon('settings', () => client.settings > 0);
    const roundTrips = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    };
    mock.timers.tick(59_999);
    await roundTrips();
    assert.equal(client.pings, 0);
    mock.timers.tick(1);
    await soon('PING', () => client.pings === 1);
    mock.timers.tick(answerMs - 1);
    await roundTrips();
    assert.equal(client.isClosed, false);
    mock.timers.tick(1);
    await soon('end of the connection', () => client.isClosed);
    mock.timers.reset();
  });
}
