// Answers without an update, which nearly every poll brings: a small body means the same whether its length is declared or not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FetchOutcome } from '../../../../src/core/origin.js';
import { PROTOBUF, reasonOf, startPair, V1 } from './client-pair.js';

const SINCE = 1_760_000_000_000;
const NO_UPDATES = '{"has_updates":false}';

/** A body that stalls is given up soon. */
const OPTIONS = { bodyIdleTimeoutMs: 250 } as const;

test('a small body comes to the same with a declared length and without one', async (t) => {
  const { origin, client } = await startPair(t, OPTIONS);
  const fetch = async (text: Buffer, sinceTime: number, isDeclared: boolean): Promise<FetchOutcome> => {
    origin.fault = (response) => {
      response.writeHead(200, isDeclared ? { 'content-length': text.length } : {}).end(text);
    };
    return await client.fetch(V1, sinceTime);
  };
  const other = (text: string): fc.Arbitrary<string> =>
    fc
      .tuple(fc.nat(text.length), fc.nat(2), fc.string({ maxLength: 3 }))
      .map(([at, left, put]) => text.slice(0, at) + put + text.slice(at + left));
  const bodies = fc.oneof(
    fc.constantFrom(NO_UPDATES, ` ${NO_UPDATES}\n`, `\ufeff${NO_UPDATES}`, NO_UPDATES + NO_UPDATES, ''),
    fc.constantFrom('{"has_updates": false}', '{"has_updates":false,"time":5}', '{"has_updates":true}'),
    fc.constantFrom(`{"has_updates":true,"time":${SINCE + 1}}`, `{"has_updates":true,"time":${SINCE}}`),
    other(NO_UPDATES),
    fc.string({ maxLength: 40 }),
    // On both sides of what counts as small.
    fc.integer({ min: 990, max: 1_060 }).map((spaces) => NO_UPDATES + ' '.repeat(spaces)),
  );
  const since = fc.constantFrom(0, SINCE);
  await fc.assert(
    fc.asyncProperty(bodies, since, async (text, sinceTime) => {
      const bytes = Buffer.from(text);
      assert.deepEqual(await fetch(bytes, sinceTime, true), await fetch(bytes, sinceTime, false));
    }),
    { numRuns: 150 },
  );
});

test('an answer without an update confirms what is held, and fails where nothing is', async (t) => {
  const { origin, client } = await startPair(t, OPTIONS);
  origin.fault = (response) => {
    response.writeHead(200, { 'content-length': NO_UPDATES.length }).end(NO_UPDATES);
  };
  for (const key of [V1, PROTOBUF]) {
    assert.deepEqual(await client.fetch(key, SINCE), { kind: 'unchanged' });
    assert.equal(reasonOf(await client.fetch(key, 0)), 'no_spec_sent');
  }
});

test('an answer without an update that a proxy relayed has the age that the proxy tells', async (t) => {
  const { origin, client } = await startPair(t, OPTIONS);
  origin.fault = (response) => {
    const relayed = { 'x-sfp-hostname': 'other', age: '7' };
    response.writeHead(200, { 'content-length': NO_UPDATES.length, ...relayed }).end(NO_UPDATES);
  };
  assert.deepEqual(await client.fetch(V1, SINCE), { kind: 'unchanged', relayedMs: 7_000 });
});

test('a small body that stops or breaks off fails, and its connection is not used again', async (t) => {
  const { origin, client } = await startPair(t, OPTIONS);
  const half = (end: 'stop' | 'break'): void => {
    origin.fault = (response) => {
      response.writeHead(200, { 'content-length': NO_UPDATES.length });
      response.write(NO_UPDATES.slice(0, 10), () => {
        if (end === 'break') response.socket?.destroy();
      });
    };
  };
  half('stop');
  assert.equal(reasonOf(await client.fetch(V1, SINCE)), 'body_timeout');
  half('break');
  assert.equal(reasonOf(await client.fetch(V1, SINCE)), 'connection_lost');
  origin.fault = undefined;
  assert.deepEqual(await client.fetch(V1, origin.project.time), { kind: 'unchanged' });
});
