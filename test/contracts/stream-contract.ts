// What every stream of specs keeps to, whatever wire it runs over: run by each wire's own test with its own harness.
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** One message as a client sees it. */
export interface SeenMessage {
  readonly kind: 'spec' | 'no-updates';
  /** Of the spec, or the `lastUpdated` that came with "no updates". */
  readonly version: number;
}

export interface StreamHarness {
  /** Opens the stream of a client that holds `sinceTime`, over a store that holds `version`. */
  open(version: number, sinceTime: number): Promise<void>;
  /** A newer, equal or older version reaches the store's feed. */
  publish(version: number): Promise<void>;
  /** From now on the client takes nothing, until `resume`. */
  pause(): void;
  resume(): Promise<void>;
  /** The clock moves. */
  advance(durationMs: number): Promise<void>;
  /** The origin refuses the key, and what is held of it is dropped. */
  revoke(): Promise<void>;
  readonly seen: readonly SeenMessage[];
  /** Why the stream ended; undefined while it is open. */
  readonly ended: string | undefined;
  close(): Promise<void>;
}

const HEARTBEAT_MS = 30_000;
const STALL_MS = 30_000;

/** `create` gives a harness whose stream has a heartbeat and a stall timeout of 30 s. */
export function streamContract(name: string, create: () => Promise<StreamHarness>): void {
  const promise = (sentence: string, run: (harness: StreamHarness) => Promise<void>): void => {
    test(`${name}: ${sentence}`, async (t) => {
      const harness = await create();
      t.after(() => harness.close());
      await run(harness);
    });
  };
  const spec = (version: number): SeenMessage => ({ kind: 'spec', version });
  const noUpdates = (version: number): SeenMessage => ({ kind: 'no-updates', version });

  promise('a client that holds nothing gets the spec first', async (stream) => {
    await stream.open(10, 0);
    assert.deepEqual(stream.seen, [spec(10)]);
  });

  promise('a client that is current is told so first, with the version held', async (stream) => {
    await stream.open(10, 10);
    assert.deepEqual(stream.seen, [noUpdates(10)]);
    await stream.publish(11);
    assert.deepEqual(stream.seen, [noUpdates(10), spec(11)]);
  });

  promise('each newer spec follows, an equal or older one never', async (stream) => {
    await stream.open(10, 0);
    for (const version of [11, 11, 9, 12]) await stream.publish(version);
    assert.deepEqual(stream.seen, [spec(10), spec(11), spec(12)]);
  });

  promise(
    'a version in the future gives way to the next right one, and no stream hears of a second',
    async (stream) => {
      const future = 2 ** 53 - 1;
      await stream.open(future, 0);
      for (const version of [10, future, 11]) await stream.publish(version);
      assert.deepEqual(stream.seen, [spec(future), spec(10), spec(11)]);
    },
  );

  promise(
    'a client that names a version in the future is sent the spec, and what follows',
    async (stream) => {
      await stream.open(10, 2 ** 53 - 1);
      await stream.publish(11);
      assert.deepEqual(stream.seen, [spec(10), spec(11)]);
    },
  );

  promise('a client with a good spec does not hear of a version in the future', async (stream) => {
    await stream.open(2 ** 53 - 1, 10);
    await stream.publish(11);
    assert.deepEqual(stream.seen, [noUpdates(10), spec(11)]);
  });

  promise('a slow client gets the newest when it reads again, and nothing between', async (stream) => {
    await stream.open(10, 0);
    stream.pause();
    await stream.publish(11);
    for (const version of [12, 13, 14]) await stream.publish(version);
    await stream.resume();
    const versions = stream.seen.map((message) => message.version);
    assert.equal(versions.at(-1), 14);
    assert.ok(versions.length <= 3, `at most the one in flight and the newest: ${versions.join(' ')}`);
    assert.ok(!versions.includes(12) && !versions.includes(13));
  });

  promise('30 s without news bring a heartbeat with the last version sent', async (stream) => {
    await stream.open(10, 0);
    await stream.advance(HEARTBEAT_MS - 1);
    assert.equal(stream.seen.length, 1);
    await stream.advance(1);
    assert.deepEqual(stream.seen.slice(1), [noUpdates(10)]);
    await stream.advance(HEARTBEAT_MS);
    assert.deepEqual(stream.seen.slice(1), [noUpdates(10), noUpdates(10)]);
  });

  promise('news puts the heartbeat off, and its version is in the next one', async (stream) => {
    await stream.open(10, 0);
    await stream.advance(HEARTBEAT_MS - 1);
    await stream.publish(11);
    await stream.advance(HEARTBEAT_MS - 1);
    assert.deepEqual(stream.seen, [spec(10), spec(11)]);
    await stream.advance(1);
    assert.deepEqual(stream.seen.at(-1), noUpdates(11));
  });

  promise('a client that takes nothing for 30 s is dropped', async (stream) => {
    await stream.open(10, 0);
    stream.pause();
    await stream.publish(11);
    await stream.advance(STALL_MS - 1);
    assert.equal(stream.ended, undefined);
    await stream.advance(1);
    assert.equal(stream.ended, 'stalled');
  });

  promise('a revoked key ends the stream', async (stream) => {
    await stream.open(10, 0);
    await stream.revoke();
    assert.equal(stream.ended, 'refused');
  });
}
