// What every place for log events promises: whole batches, per key in order, until they are done with, and after a death where it is durable.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { bytesOf, type Batch, type KeptBatch } from '../../src/protocols/statsig/log-events/batch.js';

/** One process' use of the place. */
export interface KeeperRun {
  readonly isDurable: boolean;
  /** Rejects where the batch is not kept. */
  keep(batch: Batch): Promise<void>;
  /** What is to be sent from here, oldest first, once there are so many. */
  toSend(count: number): Promise<readonly KeptBatch[]>;
  /** What was forgotten is so for good when this resolves. */
  settle(): Promise<void>;
  /** Ends as a process that is killed does. */
  kill(): Promise<void>;
}

/** `start` is called for each process, one after the other. */
export interface KeeperPlace {
  start(): Promise<KeeperRun>;
}

const KEYS = ['secret-first0123456789', 'secret-second012345678'] as const;

export function makeBatch(id: string, sdkKey: string = KEYS[0], body = `{"events":["${id}"]}`): Batch {
  return {
    id,
    sdkKey,
    headers: { 'content-type': 'application/json', 'statsig-sdk-type': 'test' },
    query: '?st=test',
    body: Buffer.from(body),
    acceptedAtMs: 1_800_000_000_000,
  };
}

async function whole(kept: KeptBatch): Promise<Batch> {
  const { id, sdkKey, headers, query, body, acceptedAtMs } = await kept.read();
  return { id, sdkKey, headers, query, body: Buffer.from(body), acceptedAtMs };
}

function idsOf(batches: readonly KeptBatch[], sdkKey: string): readonly string[] {
  return batches.filter((each) => each.sdkKey === sdkKey).map(({ id }) => id);
}

export function keeperContract(name: string, open: (t: TestContext) => Promise<KeeperPlace>): void {
  describe(`a place for log events: ${name}`, () => {
    it('gives back what it was given, whatever the bytes', async (t) => {
      const run = await (await open(t)).start();
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_none, index) => (index * 7) % 256));
      const batches = [makeBatch('small'), { ...makeBatch('large'), body: bytes }];
      for (const batch of batches) await run.keep(batch);
      const kept = await run.toSend(2);
      assert.deepEqual(await Promise.all(kept.map(whole)), batches);
      assert.deepEqual(
        kept.map((each) => each.bytes),
        batches.map(bytesOf),
      );
    });

    it('keeps the order of each key', async (t) => {
      const run = await (await open(t)).start();
      const ids = Array.from({ length: 40 }, (_none, index) => `batch ${index}`);
      for (const [index, id] of ids.entries()) await run.keep(makeBatch(id, KEYS[index % 2]));
      const kept = await run.toSend(40);
      const ofParity = (parity: number): readonly string[] =>
        ids.filter((_id, index) => index % 2 === parity);
      assert.deepEqual(idsOf(kept, KEYS[0]), ofParity(0));
      assert.deepEqual(idsOf(kept, KEYS[1]), ofParity(1));
    });

    it('keeps what comes at one time, each once', async (t) => {
      const run = await (await open(t)).start();
      const ids = Array.from({ length: 60 }, (_none, index) => `batch ${index}`);
      await Promise.all(ids.map((id, index) => run.keep(makeBatch(id, KEYS[index % 2]))));
      const kept = await run.toSend(60);
      assert.deepEqual(kept.map(({ id }) => id).sort(), [...ids].sort());
    });

    it('has after a death what was not forgotten, with the same ids and in order, where it is durable', async (t) => {
      const place = await open(t);
      const run = await place.start();
      for (const id of ['1', '2', '3', '4']) await run.keep(makeBatch(id));
      const [first, , third] = await run.toSend(4);
      first?.forget();
      third?.forget();
      await run.settle();
      await run.kill();
      const next = await place.start();
      const wanted = run.isDurable ? ['2', '4'] : [];
      const kept = await next.toSend(wanted.length);
      assert.deepEqual(idsOf(kept, KEYS[0]), wanted);
      await next.keep(makeBatch('5'));
      const more = await next.toSend(wanted.length + 1);
      assert.deepEqual(idsOf(more, KEYS[0]), [...wanted, '5']);
      assert.deepEqual(
        await Promise.all(more.map(whole)),
        [...wanted, '5'].map((id) => makeBatch(id)),
      );
    });

    it('forgets once, and lets nothing else go with it', async (t) => {
      const place = await open(t);
      const run = await place.start();
      for (const id of ['1', '2']) await run.keep(makeBatch(id));
      const [first, second] = await run.toSend(2);
      first?.forget();
      first?.forget();
      await run.settle();
      assert.equal((await second?.read())?.id, '2');
    });
  });
}
