// Names of hosts: asked for once for all who want them at one time, two at a time, and anew for each new connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { sharingLookups, systemLookup, type Lookup } from '../../src/network/addresses.js';
import { createUpstreamClient } from '../../src/protocols/statsig/origin/upstream-client.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { optionsFor, SPEC, specKey, told } from './h2-scene.js';

/** A resolver whose answers are given by hand. */
function scripted(): {
  ask: Lookup;
  asked: string[];
  answer: (host: string, address: string | Error) => void;
} {
  const asked: string[] = [];
  const waiting = new Map<string, (address: string | Error) => void>();
  return {
    asked,
    ask: (host) => {
      asked.push(host);
      return new Promise((resolve, reject) => {
        waiting.set(host, (address) => {
          if (address instanceof Error) reject(address);
          else resolve([address]);
        });
      });
    },
    answer: (host, address) => waiting.get(host)?.(address),
  };
}

test('who asks for a host while it is asked for gets the same answer, and later ones another', async () => {
  const { ask, asked, answer } = scripted();
  const lookup = sharingLookups(ask);
  const both = Promise.all([lookup('a'), lookup('a')]);
  await settle();
  assert.deepEqual(asked, ['a']);
  answer('a', '10.0.0.1');
  assert.deepEqual(await both, [['10.0.0.1'], ['10.0.0.1']]);
  const failing = lookup('a');
  await settle();
  answer('a', new Error('as scripted'));
  await assert.rejects(failing, /as scripted/);
  const again = lookup('a');
  await settle();
  answer('a', '10.0.0.2');
  assert.deepEqual(await again, ['10.0.0.2']);
  assert.equal(asked.length, 3);
});

test('two hosts are asked for at one time, so that a resolver that hangs leaves threads to others', async () => {
  const { ask, asked, answer } = scripted();
  const lookup = sharingLookups(ask);
  const all = ['a', 'b', 'c'].map((host) => lookup(host));
  await settle();
  assert.deepEqual(asked, ['a', 'b']);
  answer('b', '10.0.0.2');
  await all[1];
  await settle();
  assert.deepEqual(asked, ['a', 'b', 'c']);
});

test('the system finds its own name', async () => {
  assert.ok(
    (await systemLookup('localhost')).some((address) => address === '127.0.0.1' || address === '::1'),
  );
});

test('a name that is looked for without end costs a request the time of a connection, and the next is not held up', async (t) => {
  const server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const { ask, asked, answer } = scripted();
  const origin = { url: `http://origin.invalid:${port}`, caPem: '' };
  const client = createUpstreamClient(clock, {
    ...optionsFor(origin, { connectTimeoutMs: 7_000 }),
    caPem: undefined,
    lookup: sharingLookups(ask),
  });
  t.after(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  let outcome = '';
  const first = client.fetch(specKey(0), 0).then((end) => (outcome = told(end)));
  await settle();
  clock.advance(6_999);
  await settle();
  assert.equal(outcome, '');
  clock.advance(1);
  assert.equal(await first, 'connect_timeout');
  const second = client.fetch(specKey(0), 0);
  await settle();
  assert.equal(asked.length, 1);
  answer('origin.invalid', '127.0.0.1');
  assert.equal(told(await second), 'updated');
});

test('after each failure to connect the name is asked for anew', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const client = createUpstreamClient(clock, {
    ...optionsFor({ url: 'http://origin.invalid:9', caPem: '' }, {}),
    caPem: undefined,
    lookup: () => {
      asked += 1;
      return Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
    },
  });
  t.after(() => client.close());
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    assert.equal(told(await client.fetch(specKey(0), 0)), 'dns_failed');
    assert.equal(asked, attempt);
  }
});
