// What an HTTP/2 origin that leaves, refuses and resets costs: which requests are sent again, and what is left behind.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { systemClock } from '../../src/domain/clock.js';
import { createOutboundAgent } from '../../src/http-client/outbound/outbound-agent.js';
import { toFailure } from '../../src/http-client/upstream-failure.js';
import { createEventClient } from '../../src/protocols/statsig/origin/event-client.js';
import { createIdListFileClient } from '../../src/protocols/statsig/origin/id-list-file-client.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { H2_FAULTS, type H2Fault } from '../fakes/h2-origin.js';
import { CLIENT_OPTIONS } from './client-options.js';
import { SPEC, specKey, startH2Origin, startPair, told } from './h2-scene.js';

/** What one fetch comes to where only its first stream is struck. */
const ONCE: Readonly<Record<H2Fault, string>> = {
  'goaway-before': 'updated',
  'goaway-during': 'updated',
  'goaway-after': 'updated',
  // Lost before its answer began, it is sent once more.
  'goaway-error-before': 'updated',
  'goaway-error-during': 'connection_lost',
  'goaway-unprocessed': 'updated',
  refuse: 'updated',
  'reset-before': 'updated',
  'reset-during': 'connection_lost',
  'cancel-during': 'connection_lost',
  // Of a body without a length, this is seen by the JSON only.
  'stop-during': 'truncated',
  'destroy-session-before': 'updated',
  'destroy-session-during': 'connection_lost',
  'destroy-socket-before': 'updated',
  'destroy-socket-during': 'connection_lost',
  'silence-before': 'headers_timeout',
  'silence-during': 'body_timeout',
};

describe('a stream that is struck', () => {
  for (const fault of H2_FAULTS) {
    it(`by ${fault} comes to ${ONCE[fault]}, and the next one is served`, async (t) => {
      // A session that was silent and lives after all is kept beside the next one, until it was idle for long enough.
      const impatient = { headersTimeoutMs: 1_000, bodyIdleTimeoutMs: 1_000, idleConnectionMs: 3_000 };
      const { origin, client } = await startPair(t, fault.startsWith('silence') ? { client: impatient } : {});
      assert.equal(told(await client.fetch(specKey(0), 0)), 'updated');
      origin.fault = ({ index }) => (index === 1 ? fault : undefined);
      const outcome = told(await client.fetch(specKey(1), 0));
      // A reset connection may lose what was sent before.
      const isLostEarly = fault === 'destroy-socket-during' && outcome === 'updated';
      if (!isLostEarly) assert.equal(outcome, ONCE[fault]);
      assert.equal(told(await client.fetch(specKey(2), 0)), 'updated');
      await origin.until(() => origin.streamsOpen === 0 && origin.connectionsOpen <= 1);
      assert.ok(origin.sessions <= 2, `${origin.sessions} sessions`);
    });
  }
});

test('a body that is cut short without an error is not taken for a whole one', async (t) => {
  const body = '+1\n'.repeat(20_000);
  const headers = { 'content-type': 'text/plain', 'content-length': String(body.length) };
  const origin = await startH2Origin(t, { handler: () => ({ status: 200, headers, body }) });
  const client = createIdListFileClient(systemClock, { ...CLIENT_OPTIONS, caPem: origin.caPem });
  t.after(() => client.close());
  for (const fault of ['cancel-during', 'stop-during', 'destroy-session-during'] as const) {
    origin.fault = () => fault;
    let bytes = 0;
    const taking = client.fetch(`${origin.url}/file`, 0, async (_part, pieces) => {
      for await (const piece of pieces) bytes += piece.length;
      return { kind: 'whole' };
    });
    const outcome = await taking;
    assert.equal(outcome.kind, 'failed', fault);
    assert.ok(bytes < body.length);
  }
});

test('a POST that was refused is sent again at once; one that may have been processed is not', async (t) => {
  const origin = await startH2Origin(t);
  const client = createEventClient(systemClock, {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin.url),
    caPem: origin.caPem,
  });
  t.after(() => client.close());
  const deliver = async (fault: H2Fault): Promise<[string, number]> => {
    const before = origin.streams;
    origin.fault = ({ index }) => (index === before ? fault : undefined);
    const body = Buffer.from('{"events":[]}');
    const outcome = await client.deliver({
      sdkKey: 'secret-a',
      batchId: 'a',
      headers: {},
      query: '',
      body,
    });
    return [outcome.kind === 'failed' ? outcome.reason : outcome.kind, origin.streams - before];
  };
  assert.deepEqual(await deliver('refuse'), ['taken', 2]);
  assert.deepEqual(await deliver('goaway-unprocessed'), ['taken', 2]);
  assert.deepEqual(await deliver('reset-before'), ['connection_lost', 1]);
  assert.deepEqual(await deliver('destroy-session-before'), ['connection_lost', 1]);
  assert.deepEqual(await deliver('goaway-before'), ['taken', 1]);
});

test('an origin that refuses everything is not asked without end', async (t) => {
  const { origin, client } = await startPair(t);
  origin.fault = () => 'refuse';
  assert.equal(told(await client.fetch(specKey(0), 0)), 'connection_lost');
  assert.ok(origin.streams <= 12, `${origin.streams} streams`);
  assert.equal(origin.sessions, 1);
});

test('streams above the last one of a GOAWAY are served by the next session, those below by the old one', async (t) => {
  const { origin, fetchAll } = await startPair(t);
  await fetchAll(1);
  origin.fault = ({ index }) => (index === 20 ? 'goaway-unprocessed' : undefined);
  assert.deepEqual(await fetchAll(40), new Array<string>(40).fill('updated'));
  assert.equal(origin.sessions, 2);
  await origin.until(() => origin.connectionsOpen === 1);
});

describe('a connection whose end is seen by a write first', () => {
  for (const ending of ['a reset', 'an end'] as const) {
    it(`by ${ending} fails what is in flight at once`, { timeout: 60_000 }, async (t) => {
      const origin = await startH2Origin(t);
      // By a clock that stands still, so that no PING finds it.
      const { dispatcher } = createOutboundAgent(new ManualClock(), 'https:', {
        ...CLIENT_OPTIONS,
        caPem: origin.caPem,
      });
      t.after(() => dispatcher.destroy());
      const ask = async (signal?: AbortSignal): Promise<unknown> => {
        const request = { origin: origin.url, path: '/', method: 'GET', headers: {}, signal } as const;
        const { body } = await dispatcher.request(request);
        return await body.text();
      };
      assert.equal(await ask(), SPEC);
      // No longer within what was read, nor with a write under way.
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
      origin.hangUp(ending === 'a reset');
      // In the same turn, before anything is read: each one that is given up is a write of its own.
      const lost = ask();
      const aborts = Array.from({ length: 4 }, () => new AbortController());
      const givenUp = aborts.map(({ signal }) => ask(signal));
      for (const abort of aborts) abort.abort(new Error('given up'));
      for (const asked of givenUp) await assert.rejects(asked, /given up/);
      await assert.rejects(lost, (error) => toFailure(error).reason === 'connection_lost');
      assert.equal(await ask(), SPEC);
      assert.equal(origin.sessions, 2);
    });
  }
});
