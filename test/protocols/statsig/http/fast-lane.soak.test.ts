// The fast lane against the routes alone: whatever bytes a client sends, in whatever pieces, the answers are the same.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { lengthOf } from '../../../fakes/length.js';
import { LaneScene } from './lane-scene.js';

const KEY = 'secret-held0123456789';
const VERSION = 1_799_999_999_000;
const STREAMS = lengthOf({ suite: 2_000, soak: 4_000_000 });

const scene = new LaneScene();

before(async () => {
  await scene.hold(KEY, VERSION);
  await scene.ready();
});

const weighted = <Value>(
  ...pairs: readonly (readonly [number, fc.Arbitrary<Value>])[]
): fc.Arbitrary<Value> => fc.oneof(...pairs.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const paths = fc.constantFrom(
  `/v1/download_config_specs/${KEY}.json`,
  `/v2/download_config_specs/${KEY}.json`,
  `/v2/download_config_specs/${KEY}.js`,
  `/v2/download_config_specs/${KEY}`,
  '/v2/download_config_specs',
  '/v1/download_config_specs/secret-unknown0123456789.json',
);
const ODD_PATHS = [
  `//v1/download_config_specs/${KEY}.json`,
  `/v1/download_config_specs/${KEY}.json/`,
  `/v1/download_config_specs/%73ecret-held0123456789.json`,
  `/v1/download_config_specs/..`,
  `/v1/download_config_specs/${KEY}.json#part`,
  `http://host/v1/download_config_specs/${KEY}.json`,
  `/v3/download_config_specs/${KEY}.json`,
  '/v1/health',
  '*',
  '',
];
const parameters = fc.constantFrom(
  `sinceTime=${VERSION}`,
  `sinceTime=${VERSION - 1}`,
  'supports_proto=true',
  'supports_proto=no',
  'checksum=6221227889497997000',
  `k=${KEY}`,
);
const ODD_PARAMETERS = [
  'sinceTime=0',
  'sinceTime=',
  'sinceTime=abc',
  'sinceTime=1e3',
  'sinceTime',
  'supports_proto=1',
  'accept_deltas=true',
  'accept_deltas',
  'a=b=c',
  '=',
  '%20=1',
  'x=1;y=2',
];
const queries = fc
  .uniqueArray(weighted([30, parameters], [1, fc.constantFrom(...ODD_PARAMETERS)]), { maxLength: 3 })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`));
const targets = fc
  .tuple(
    weighted([20, paths], [1, fc.constantFrom(...ODD_PATHS)]),
    weighted([20, queries], [1, fc.constant('?')]),
  )
  .map(([path, query]) => path + query);

const headers = fc.constantFrom(
  'host: 127.0.0.1',
  `statsig-api-key: ${KEY}`,
  'statsig-sdk-type: statsig-server-core-node',
  'statsig-sdk-version: 0.23.2',
  'statsig-server-session-id: 5f1c9b1e-6a0d-4f9e-9d5a-000000000001',
  'statsig-client-time: 1795628000000',
  'accept: */*',
  'Accept-Encoding: statsig-br, gzip, deflate, br',
  'accept-encoding: gzip;q=0.5, br;q=0.1',
  'x-request-service: checkout',
  'statsig-supports-proto: true',
  'connection: keep-alive',
  'Connection:   Keep-Alive  ',
  'x-forwarded-for: 10.0.0.1',
  'User-Agent: one/1.0 (two; three)',
  'x-empty:',
);
const ODD_HEADERS = [
  'statsig-api-key:',
  'statsig-api-key: secret-unknown0123456789',
  `statsig-sdk-type: ${KEY}`,
  'accept-encoding: *;q=0',
  'if-none-match: "abc"',
  'if-none-match: *',
  'via: 1.1 varnish',
  // Of the servers here: a loop.
  'Via: 1.1 spec-forward-proxy-0123456789abcdef',
  'accept-encoding: statsig-zstd, statsig-br',
  'connection: close',
  'connection: keep-alive, close',
  'connection: upgrade',
  'upgrade: websocket',
  'expect: 100-continue',
  'expect: more',
  'content-length: 0',
  'content-length: 5',
  'content-length: +5',
  'transfer-encoding: chunked',
  'Transfer-Encoding : chunked',
  'transfer-encoding: xchunked',
  'te: trailers',
  'http2-settings: AAMAAABkAAQAAP__',
  ' folded: line',
  'x-tab:\tvalue\t',
  'x-high: \u00e4\u00ff',
  'x-nul: a\u0000b',
  'x-return: a\rb',
  'x-feed: a\nb',
  'no colon',
  ': no name',
  'x y: z',
  'x@y: z',
  `x-long: ${'l'.repeat(5_000)}`,
  `x-longer: ${'l'.repeat(17_000)}`,
];
const heads = fc
  .tuple(
    weighted(
      [40, fc.constant('GET')],
      [1, fc.constantFrom('HEAD', 'POST', 'OPTIONS', 'get', 'GETS', 'PRI', '')],
    ),
    targets,
    weighted(
      [40, fc.constant(' HTTP/1.1')],
      [1, fc.constantFrom(' HTTP/1.0', ' HTTP/2.0', ' http/1.1', '  HTTP/1.1', '')],
    ),
    fc.uniqueArray(weighted([60, headers], [1, fc.constantFrom(...ODD_HEADERS)]), { maxLength: 10 }),
    weighted([60, fc.constant('\r\n')], [1, fc.constantFrom('\n', '\r', '\r\r\n')]),
  )
  .map(([method, target, version, lines, end]) =>
    [`${method} ${target}${version}`, ...lines, '', ''].join(end),
  );
const bodies = weighted(
  [12, fc.constant('')],
  [
    1,
    fc.constantFrom(
      'hello',
      '5\r\nhello\r\n0\r\n\r\n',
      '\r\n',
      `GET /v1/download_config_specs/${KEY}.json HTTP/1.1\r\n\r\n`,
    ),
  ],
);

/** Bytes that are put in the place of others. */
interface Damage {
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

const damages = weighted<readonly Damage[]>(
  [3, fc.constant([])],
  [
    1,
    fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.integer({ min: 0, max: 3 }),
        bytes: fc.uint8Array({ maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  ],
);
/** Where a stream is cut into pieces, as parts of its length; 1 is no cut. */
const cuts = weighted(
  [3, fc.constant<number[]>([])],
  [1, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 })],
);
/** Each request in pieces of its own, or all in one. */
const streams = fc
  .tuple(fc.array(fc.tuple(heads, bodies), { minLength: 1, maxLength: 4 }), damages, cuts, fc.boolean())
  .map(([requests, changes, places, isJoined]) => {
    const texts = requests.map(([head, body]) => head + body);
    return (isJoined ? [texts.join('')] : texts).flatMap((text) =>
      cut(damage(Buffer.from(text, 'latin1'), changes), places),
    );
  });

function damage(bytes: Buffer, changes: readonly Damage[]): Buffer {
  return changes.reduce((whole, change) => {
    const at = Math.floor(change.at * whole.length);
    return Buffer.concat([whole.subarray(0, at), change.bytes, whole.subarray(at + change.length)]);
  }, bytes);
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  );
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

test('an ordinary request with one unusual thing about it is answered as the routes answer it', async () => {
  const path = `/v2/download_config_specs/${KEY}.json`;
  const cases = [
    ...ODD_PATHS.map((odd) => `GET ${odd} HTTP/1.1\r\nhost: test\r\n\r\n`),
    ...ODD_PARAMETERS.map((odd) => `GET ${path}?${odd} HTTP/1.1\r\nhost: test\r\n\r\n`),
    ...ODD_HEADERS.map((odd) => `GET ${path} HTTP/1.1\r\nhost: test\r\n${odd}\r\n\r\n`),
    ...ODD_HEADERS.map((odd) => `GET ${path} HTTP/1.1\r\n${odd}\r\n${odd}\r\n\r\n`),
  ];
  for (const text of cases) {
    const pieces = [Buffer.from(text, 'latin1')];
    assert.deepEqual(await scene.send('with', pieces), await scene.send('without', pieces), text);
  }
});

test('answers, ends and events are those of the routes alone', async () => {
  await fc.assert(
    fc.asyncProperty(streams, async (pieces) => {
      const expected = await scene.send('without', pieces);
      assert.deepEqual(await scene.send('with', pieces), expected);
    }),
    { numRuns: STREAMS },
  );
  assert.ok(scene.answeredInLane > STREAMS / 10, `${scene.answeredInLane} requests of ${STREAMS} streams`);
});
