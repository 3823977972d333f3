// The built program before an origin that closes its connection after every body: it lives, and everything is served and delivered.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../e2e/deadline.js';
import { manifestOf } from '../e2e/id-list-scene.js';
import { startRawOrigin, type Plan } from '../fakes/raw-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import { StatsigSite } from '../fakes/statsig-site.js';
import { startDaemon, type Daemon } from './daemon.js';
import { FORM_NAMES, specTarget } from './spec-forms.js';

const CLOSING: Readonly<Record<string, Partial<Plan>>> = {
  'HTTP/1.0 with content-length': { version: '1.0', framing: 'length', ending: 'close' },
  'HTTP/1.0 without content-length': { version: '1.0', framing: 'end', ending: 'close' },
  'connection: close with content-length': { saysClose: true, framing: 'length', ending: 'close' },
  'connection: close without content-length': { saysClose: true, framing: 'end', ending: 'close' },
};
const PACES: readonly Partial<Plan>[] = [{}, { pieceBytes: 40_000, pauseMs: 1 }];
const SPEC_BYTES = 400_000;
/** Of what is answered to log events, and of an error. */
const LONG_PAGE = Buffer.alloc(SPEC_BYTES, 'x');
const UNKNOWN_KEY = 'secret-unknown0123456789';
/** More than sockets hold of an answer that its client does not read. */
const FILE_LINES = 1_600_000;
const COLD_CLIENTS = 11;
/** Of files that nothing is kept of, so that the origin is read as slowly as the client reads. */
const SLOW_READERS = 4;
const SLOW_MS = 4;

async function startScene(
  t: TestContext,
  plan: Partial<Plan>,
): Promise<{ site: StatsigSite; proxy: Daemon }> {
  const site = new StatsigSite(() => SPEC_BYTES);
  // Decoded on other threads, so that bodies wait to be taken.
  site.encoding = 'br';
  const origin = await startRawOrigin((request) => {
    const answer = site.answer(request);
    if (request.target.includes(UNKNOWN_KEY)) return { ...answer, status: 404 };
    return request.target === '/v1/log_event' ? { ...answer, body: LONG_PAGE } : answer;
  });
  t.after(() => origin.close());
  site.filesUrl = origin.url;
  let asked = 0;
  origin.plan = () => ({ ...plan, ...PACES[(asked += 1) % PACES.length] });
  const proxy = await startDaemon(t, origin.url, {
    args: ['-p', '1', '--id-list-files-max-in-mib', '1'],
    env: {
      LOG_EVENT_STATSIG_ENDPOINT: origin.url,
      ID_LISTS_STATSIG_ENDPOINT: origin.url,
      SFP_ID_LISTS_POLLING_INTERVAL_IN_S: '1',
    },
  });
  return { site, proxy };
}

async function readSpecs(site: StatsigSite, proxy: Daemon, sdkKey: string): Promise<void> {
  for (const form of FORM_NAMES) {
    const encoding = form === 'protobuf' ? 'statsig-br' : 'identity';
    const headers = { 'accept-encoding': encoding };
    const { status, bytes } = await rawRequest(proxy.url + specTarget({ sdkKey, form }), { headers });
    assert.equal(status, 200);
    if (form !== 'protobuf') assert.notEqual(site.versionOf(sdkKey, form, bytes), undefined, form);
  }
}

async function readFiles(site: StatsigSite, proxy: Daemon, sdkKey: string): Promise<void> {
  const [list] = site.listsOf(sdkKey);
  const { bytes } = list?.file ?? assert.fail();
  const { url } = (await manifestOf(proxy, sdkKey))[list?.name ?? ''] ?? assert.fail('no list');
  const slow = await Promise.all(Array.from({ length: SLOW_READERS }, () => readSlowly(url)));
  for (const each of slow) assert.ok(each.equals(bytes));
}

async function readSlowly(url: string): Promise<Buffer> {
  const [answer] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece);
    await pause(SLOW_MS);
  }
  return Buffer.concat(pieces);
}

async function sendEvents(site: StatsigSite, proxy: Daemon, sdkKey: string): Promise<void> {
  const body = JSON.stringify({ events: [{ eventName: sdkKey }] });
  const headers = { 'statsig-api-key': sdkKey, 'content-type': 'application/json' };
  const { status } = await rawRequest(`${proxy.url}/v1/log_event`, { method: 'POST', headers, body });
  assert.equal(status, 202);
  await eventually('delivery', () => site.taken.has(sdkKey));
}

describe('a process whose origin closes the connection after each body', { concurrency: 2 }, () => {
  for (const [name, plan] of Object.entries(CLOSING)) {
    it(`lives: ${name}`, async (t) => {
      const { site, proxy } = await startScene(t, plan);
      const keys = Array.from({ length: COLD_CLIENTS }, (_none, index) => `secret-cold${index}key0123456789`);
      const [key = ''] = keys;
      site.listsOf(key)[0]?.append('+12345678\n'.repeat(FILE_LINES));
      await Promise.all(keys.map((each) => readSpecs(site, proxy, each)));
      await readFiles(site, proxy, key);
      await sendEvents(site, proxy, key);
      const unknown = await rawRequest(proxy.url + specTarget({ sdkKey: UNKNOWN_KEY, form: 'v1' }));
      assert.match(unknown.text, /status_404/);
      const { version } = site;
      site.publish(1);
      await eventually('new version', async () => {
        const { headers } = await rawRequest(proxy.url + specTarget({ sdkKey: key, form: 'v2' }, version));
        return Number(headers['x-since-time']) > version;
      });
      const status = await rawRequest(`${proxy.adminUrl}/status?keys=`);
      assert.equal(status.status, 200);
    });
  }
});
