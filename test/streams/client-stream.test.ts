// One streaming client: the contract by a hand-turned clock, what may go wrong, and that no interleaving loses an update.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { streamContract } from '../contracts/stream-contract.js';
import { settle } from '../fakes/manual-clock.js';
import { HandTurnedStream, heldVersion } from '../fakes/stream-harness.js';

streamContract('a stream by hand', async () => new HandTurnedStream());

test('an update between subscribing and the first reading is not lost', async () => {
  const harness = new HandTurnedStream();
  await harness.publish(11);
  await harness.open(10, 0);
  assert.deepEqual(harness.seen, [{ kind: 'spec', version: 11 }]);
});

test('an older update between subscribing and the first reading is not sent', async () => {
  const harness = new HandTurnedStream();
  await harness.publish(9);
  await harness.open(10, 0);
  assert.deepEqual(harness.seen, [{ kind: 'spec', version: 10 }]);
});

test('a client that is ahead of us is told nothing it would have to skip', async () => {
  const harness = new HandTurnedStream();
  await harness.open(10, 20);
  assert.deepEqual(harness.seen, [{ kind: 'no-updates', version: 10 }]);
  for (const version of [15, 20, 21]) await harness.publish(version);
  assert.deepEqual(harness.seen.slice(1), [{ kind: 'spec', version: 21 }]);
});

test('a newer version that comes while one is made ready takes its place', async () => {
  const harness = new HandTurnedStream();
  await harness.open(10, 0);
  harness.sink.preparing = 'held';
  await harness.publish(11);
  await harness.publish(12);
  harness.sink.preparing = 'at-once';
  harness.sink.release();
  await settle();
  assert.deepEqual(
    harness.seen.map((message) => message.version),
    [10, 12],
  );
});

test('a client that takes a little now and then is not dropped', async () => {
  const harness = new HandTurnedStream();
  await harness.open(10, 0);
  harness.pause();
  await harness.publish(11);
  for (let turn = 0; turn < 10; turn += 1) {
    await harness.advance(29_000);
    harness.sink.takeSome();
  }
  assert.equal(harness.ended, undefined);
  await harness.resume();
  assert.deepEqual(harness.seen.at(-1), { kind: 'spec', version: 11 });
});

test('while a message is made ready, the client is not blamed for the wait', async () => {
  const harness = new HandTurnedStream();
  await harness.open(10, 0);
  harness.sink.preparing = 'held';
  await harness.publish(11);
  await harness.advance(120_000);
  assert.equal(harness.ended, undefined);
});

test('a message that cannot be made ends the stream', async () => {
  const harness = new HandTurnedStream();
  harness.sink.preparing = 'failing';
  await harness.open(10, 0);
  assert.equal(harness.ended, 'failed');
});

test('nothing is sent, held or timed after the end', async () => {
  for (const finish of ['end', 'close'] as const) {
    const harness = new HandTurnedStream();
    await harness.open(10, 0);
    harness.pause();
    await harness.publish(11);
    await harness.publish(12);
    if (finish === 'end') harness.stream.end('draining');
    else harness.stream.close();
    await harness.publish(13);
    await harness.resume();
    await harness.advance(120_000);
    assert.ok(harness.seen.every((message) => message.version <= 11));
    assert.equal(harness.clock.scheduled, 0);
  }
});

test('a stream that ended while its first message was made ready sends none', async () => {
  const harness = new HandTurnedStream();
  harness.sink.preparing = 'held';
  await harness.open(10, 0);
  harness.stream.close();
  harness.sink.release();
  await settle();
  assert.deepEqual(harness.seen, []);
});

/** What may happen to a stream, in any order. */
const STEPS = ['publish', 'read', 'open', 'pause', 'resume', 'take', 'hold', 'release', 'heartbeat'] as const;

const step = fc.record({
  kind: fc.oneof(
    { weight: 2, arbitrary: fc.constant('publish' as const) },
    { weight: 3, arbitrary: fc.constantFrom(...STEPS) },
  ),
  /** Of a version that is published, or that the client holds when it opens. */
  version: fc.integer({ min: 0, max: 30 }),
  /** Some steps follow at once, others after all promises: both happen in a busy process. */
  isSettled: fc.boolean(),
});

/** A store that only ever holds the newest, as the real one does. */
class Interleaving {
  readonly harness = new HandTurnedStream();
  newest = 1;
  /** What a reading brought, where it was made before the stream is opened: others may be published meanwhile. */
  reading: number | undefined;
  sinceTime: number | undefined;

  readonly steps: Readonly<Record<(typeof STEPS)[number], (version: number) => void>> = {
    publish: (version) => {
      if (version <= this.newest) return;
      this.newest = version;
      this.harness.feed.publish(heldVersion(version));
    },
    read: () => {
      this.reading ??= this.newest;
    },
    open: (sinceTime) => {
      if (this.sinceTime !== undefined) return;
      this.sinceTime = sinceTime;
      this.harness.stream.open(heldVersion(this.reading ?? this.newest), sinceTime);
    },
    pause: () => {
      this.harness.pause();
    },
    resume: () => {
      this.harness.sink.isPaused = false;
      this.harness.sink.takeAll();
    },
    take: () => {
      this.harness.sink.takeAll();
    },
    hold: () => {
      this.harness.sink.preparing = 'held';
    },
    release: () => {
      this.release();
    },
    heartbeat: () => {
      // Short of a stall, long enough for a heartbeat in two.
      if (!this.harness.sink.isSending) this.harness.clock.advance(15_000);
    },
  };

  release(): void {
    this.harness.sink.preparing = 'at-once';
    this.harness.sink.release();
  }

  /** Lets everything that waits go on, until nothing does. */
  async settleAll(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      this.release();
      await this.harness.resume();
    }
  }
}

test('whatever the order of updates, subscriptions and slow reading, versions increase and the newest arrives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const run = new Interleaving();
      for (const { kind, version, isSettled } of steps) {
        run.steps[kind](version);
        if (isSettled) await settle();
      }
      run.steps.open(0);
      await run.settleAll();

      const { seen } = run.harness;
      const specs = seen.filter((message) => message.kind === 'spec').map((message) => message.version);
      specs.slice(1).forEach((version, index) => {
        assert.ok(version > (specs[index] ?? 0), `not increasing: ${specs.join(' ')}`);
      });
      assert.equal(run.harness.ended, undefined);
      // The client ends on the newest: by a spec, or as it had that or a newer one from the start.
      const had = run.sinceTime ?? 0;
      if (run.newest > had) assert.equal(specs.at(-1), run.newest);
      else assert.deepEqual(specs, []);
      assert.ok(
        specs.every((version) => version > had),
        'nothing older than what the client had',
      );
      // No heartbeat runs ahead of what was sent.
      let sent = 0;
      for (const message of seen) {
        if (message.kind === 'spec') sent = message.version;
        else if (sent > 0) assert.equal(message.version, sent);
      }
    }),
    { numRuns: 10_000 },
  );
});
