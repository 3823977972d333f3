// The origin's client against a real server: what it sends, what it makes of every fault, how it treats connections.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { systemClock } from '../../../../src/domain/clock.js';
import { createUpstreamClient } from '../../../../src/protocols/statsig/origin/upstream-client.js';
import { startFakeOrigin } from '../../../fakes/fake-origin.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { FAILING, OLDER, REFUSING } from '../../../fakes/origin-faults.js';
import { optionsFor, PROTOBUF, reasonOf, startPair, V1 } from './client-pair.js';

const IMPATIENT = { headersTimeoutMs: 1_500, bodyIdleTimeoutMs: 250 } as const;

test('a JSON spec comes in the form it travelled in, with its version', async (t) => {
  const { origin, client } = await startPair(t);
  for (const encoding of ['br', 'gzip', 'identity'] as const) {
    origin.encoding = encoding;
    const outcome = await client.fetch(V1, 0);
    if (outcome.kind !== 'updated') assert.fail(outcome.kind);
    assert.equal(outcome.payload.version, origin.project.time);
    assert.equal(outcome.payload.originForm.encoding, encoding);
    assert.equal(outcome.payload.format, 'json');
  }
});

test('a protobuf spec comes as one brotli stream', async (t) => {
  const { origin, client } = await startPair(t);
  const outcome = await client.fetch(PROTOBUF, 0);
  assert.equal(outcome.kind === 'updated' && outcome.payload.format, 'protobuf');
  assert.equal(outcome.kind === 'updated' && outcome.payload.version, origin.project.time);
  assert.match(origin.requests[0]?.url ?? '', /supports_proto=true/);
});

test('an origin that answers a protobuf request with JSON is understood', async (t) => {
  const { origin, client } = await startPair(t);
  origin.fault = (response, project) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ has_updates: true, time: project.time }));
  };
  const outcome = await client.fetch(PROTOBUF, 0);
  assert.equal(outcome.kind === 'updated' && outcome.payload.format, 'json');
});

test('a version that is current is confirmed', async (t) => {
  const { origin, client } = await startPair(t);
  assert.deepEqual(await client.fetch(V1, origin.project.time), { kind: 'unchanged' });
});

for (const [name, fault] of Object.entries(FAILING)) {
  test(`a fault of the origin fails with its reason: ${name}`, async (t) => {
    const expected = name.split(' ')[0];
    const isSilent = expected?.endsWith('_timeout') === true;
    const { origin, client } = await startPair(t, isSilent ? IMPATIENT : {});
    origin.fault = fault;
    for (const sinceTime of [0, origin.project.time - 1]) {
      assert.equal(reasonOf(await client.fetch(V1, sinceTime)), expected);
    }
    origin.fault = undefined;
    assert.equal((await client.fetch(V1, 0)).kind, 'updated', 'the client recovers');
  });
}

for (const [status, fault] of Object.entries(REFUSING)) {
  test(`HTTP ${status} refuses the key, also where its body never ends`, async (t) => {
    const { origin, client } = await startPair(t);
    origin.fault = fault;
    assert.deepEqual(await client.fetch(V1, 0), { kind: 'unauthorized', status: Number(status) });
    origin.fault = (response) => {
      response.writeHead(Number(status), { 'content-length': 100 });
      response.write('x');
    };
    assert.deepEqual(await client.fetch(V1, 0), { kind: 'unauthorized', status: Number(status) });
  });
}

test('an older version than the one held is not taken', async (t) => {
  const { origin, client } = await startPair(t);
  origin.fault = OLDER;
  assert.equal(reasonOf(await client.fetch(V1, origin.project.time)), 'older_than_held');
});

test('a body larger than allowed as it travels is not taken', async (t) => {
  const bodyLimits = { encodedBytesMax: 100, decodedBytesMax: 100_000 };
  const { client } = await startPair(t, { bodyLimits });
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'body_too_large');
});

test('an origin that trickles is given up when the time for the whole answer is over', async (t) => {
  const origin = await startFakeOrigin();
  const clock = new ManualClock();
  const client = createUpstreamClient(
    clock,
    optionsFor(origin.url, { requestTimeoutMs: 5_000, bodyIdleTimeoutMs: 60_000 }),
  );
  t.after(async () => {
    await client.close();
    await origin.close();
  });
  origin.fault = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"has_updates":', () => {
      clock.advance(5_000);
    });
  };
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'request_timeout');
});

test('nobody listening is told as such', async (t) => {
  const origin = await startFakeOrigin();
  await origin.close();
  const client = createUpstreamClient(systemClock, optionsFor(origin.url));
  t.after(() => client.close());
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'connection_refused');
});

test('a host that does not exist is told as such', async (t) => {
  const client = createUpstreamClient(systemClock, optionsFor('http://origin.invalid'));
  t.after(() => client.close());
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'dns_failed');
});

test('a connection that breaks before the answer is tried once more, at once', async (t) => {
  const { origin, client } = await startPair(t);
  origin.fault = (response) => {
    origin.fault = undefined;
    response.socket?.resetAndDestroy();
  };
  assert.equal((await client.fetch(V1, 0)).kind, 'updated');
  assert.equal(origin.requests.length, 2);
});

test('requests one after the other share connections, failing ones too', async (t) => {
  const { origin, client } = await startPair(t);
  for (let turn = 0; turn < 20; turn += 1) await client.fetch(V1, 0);
  origin.fault = FAILING.status_404;
  for (let turn = 0; turn < 20; turn += 1) await client.fetch(V1, 0);
  // undici opens a second one where the first has not quite finished its answer.
  assert.ok(origin.connections <= 2, `${origin.connections} connections`);
});

test('a rush waits for no connection, and only so many are kept after it', async (t) => {
  const { origin, client } = await startPair(t, { idleConnectionsMax: 2, headersTimeoutMs: 5_000 });
  const release = origin.hold();
  const rush = Array.from({ length: 12 }, () => client.fetch(V1, 0));
  await origin.arrived(12);
  assert.equal(origin.connections, 12);
  release();
  for (const outcome of await Promise.all(rush)) assert.equal(outcome.kind, 'updated');
  for (let turn = 0; turn < 4; turn += 1) await Promise.all([client.fetch(V1, 0), client.fetch(V1, 0)]);
  assert.equal(origin.connections, 12, 'the kept ones are used again');
});

test('an endpoint under a path keeps that path', async (t) => {
  const origin = await startFakeOrigin();
  const client = createUpstreamClient(systemClock, optionsFor(`${origin.url}/statsig/`));
  t.after(async () => {
    await client.close();
    await origin.close();
  });
  await client.fetch(V1, 0);
  assert.equal(origin.requests[0]?.url, `/statsig/v1/download_config_specs/${V1.sdkKey}.json`);
});

test('a redirect is followed; too many of them are a failure', async (t) => {
  const { origin, client } = await startPair(t);
  origin.fault = (response) => {
    origin.fault = undefined;
    response.writeHead(307, { location: '/v1/elsewhere', 'content-length': 0 }).end();
  };
  assert.equal((await client.fetch(V1, 0)).kind, 'updated');
  origin.fault = (response) => {
    response.writeHead(307, { location: '/again', 'content-length': 0 }).end();
  };
  const before = origin.requests.length;
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'status_307');
  assert.equal(origin.requests.length - before, 4);
});

test('a redirect to what is no HTTP is refused', async (t) => {
  const { origin, client } = await startPair(t);
  for (const location of ['ftp://host/', 'javascript:alert(1)', 'http://[']) {
    origin.fault = (response) => {
      response.writeHead(302, { location, 'content-length': 0 }).end();
    };
    assert.equal(reasonOf(await client.fetch(V1, 0)), 'redirect_refused', location);
  }
});

for (const [name, headers, body] of [
  ['a page', { 'content-type': 'text/html; charset=utf-8' }, '<html>log in first</html>'],
  ['a page without a type', {}, '  <!DOCTYPE html><p>no'],
  ['a squid', { 'x-squid-error': 'ERR_ACCESS_DENIED 0', 'content-type': 'application/json' }, '{}'],
  ['a load balancer', { server: 'awselb/2.0' }, 'Forbidden'],
] as const) {
  for (const status of [401, 403]) {
    test(`${status} by ${name} of something in between is no word on the key`, async (t) => {
      const { origin, client } = await startPair(t);
      origin.fault = (response) => {
        response.writeHead(status, headers).end(body);
      };
      assert.equal(reasonOf(await client.fetch(V1, 0)), 'foreign_answer');
    });
  }
}

test('an origin may word its refusal in plain text, JSON, XML or not at all', async (t) => {
  const { origin, client } = await startPair(t);
  for (const [type, body] of [
    ['text/plain', 'Unauthorized'],
    ['application/json', '{"error":"invalid key"}'],
    ['application/xml', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['text/plain', ''],
  ] as const) {
    origin.fault = (response) => {
      response.writeHead(403, { 'content-type': type }).end(body);
    };
    assert.deepEqual(await client.fetch(V1, 0), { kind: 'unauthorized', status: 403 }, body);
  }
});

test('401 of another host that the origin sent us to does not refuse the key', async (t) => {
  const { origin, client } = await startPair(t);
  const other = await startFakeOrigin();
  t.after(() => other.close());
  other.fault = REFUSING[401];
  origin.fault = (response) => {
    response.writeHead(302, { location: `${other.url}/x`, 'content-length': 0 }).end();
  };
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'status_401');
});

test('a compressed body that goes on after its end is not taken', async (t) => {
  const { origin, client } = await startPair(t);
  const spec = Buffer.from('{"has_updates":true,"time":1760000000000}');
  for (const [encoding, bytes] of [
    ['br', brotliCompressSync(spec)],
    ['gzip', gzipSync(spec)],
  ] as const) {
    origin.fault = (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
      response.end(Buffer.concat([bytes, Buffer.alloc(100)]));
    };
    assert.equal(reasonOf(await client.fetch(V1, 0)), 'decoding_failed', encoding);
  }
});

test('a closed client fails what is in flight and what comes after', async (t) => {
  const { origin, client } = await startPair(t, { headersTimeoutMs: 5_000 });
  origin.hold();
  const running = client.fetch(V1, 0);
  await origin.arrived(1);
  await client.close();
  assert.equal(reasonOf(await running), 'closed');
  assert.equal(reasonOf(await client.fetch(V1, 0)), 'closed');
});

test('closed in the middle of a request, nothing is scheduled any more', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const clock = new ManualClock();
  const client = createUpstreamClient(clock, optionsFor(origin.url));
  const release = origin.hold();
  const asked = client.fetch(V1, 0);
  await origin.arrived(1);
  await client.close();
  assert.equal(reasonOf(await asked), 'closed');
  release();
  assert.equal(clock.scheduled, 0);
});
