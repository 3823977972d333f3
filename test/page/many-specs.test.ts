// The page before a proxy with 1,000 SDK keys, 10,000 clients and as many holds as there may be: no answer and no view grows with them beyond its bound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { buildCore, type Core } from '../../src/app/core.js';
import { describeHold } from '../../src/app/operator-orders.js';
import { SpecViews } from '../../src/app/spec-views.js';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig, type Config } from '../../src/config/load-config.js';
import type { Hold } from '../../src/core/holds/hold.js';
import { HOLDS_MAX } from '../../src/core/holds/holds.js';
import { VersionHistory } from '../../src/core/versions/version-history.js';
import { systemClock } from '../../src/domain/clock.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { hashSdkKey, maskSdkKey } from '../../src/domain/sdk-key.js';
import { ClientCensus } from '../../src/protocols/statsig/clients/client-census.js';
import { SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { EXAMPLES } from '../../src/servers/admin/openapi/examples.js';
import { done, type OperatorApi } from '../../src/servers/admin/operator-api.js';
import { eventually } from '../e2e/deadline.js';
import { createTestLog } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { noProxyEvents } from '../fakes/proxy-events.js';
import { openPage } from './browser.js';
import { servePage } from './page-server.js';

const KEYS = 1_000;
const CLIENTS = 10_000;
const CLIENTS_OF_ONE = 5_000;
/** More than are told apart. */
const SDKS = 300;
const VERSION = 1_750_000_000_000;
const REASON = 'x'.repeat(500);
/** Of one answer: twice what these make, about. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;
/** Of one view. */
const ELEMENTS_MAX = 10_000;

const sdkKeyOf = (index: number): string => `secret-${String(index).padStart(4, 'k')}-0123456789`;
const FIRST = sdkKeyOf(0);
/** The last one by name. */
const LAST = sdkKeyOf(KEYS - 1);

function keyOf(sdkKey: string, kind = SPEC_V1): PayloadKey {
  return { sdkKey, kind, format: 'json' };
}

function config(): Config {
  const typed = readCommandLine(['http', 'disabled', '--maximum-concurrent-sdk-keys', `${KEYS}`], '0');
  assert.ok(typed.kind === 'run');
  const around = { env: {}, hostName: 'many', nowMs: 0, fallbackDataDir: '/nonexistent' };
  const loaded = loadConfig(typed.line, { ...around, readFile: () => '', folderFault: () => undefined });
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  return loaded.config;
}

function holdOf(index: number): Hold {
  const of = { keyHash: hashSdkKey(sdkKeyOf(index)), api: SPEC_V1.name, format: 'json' };
  const versions = { version: VERSION, bodyOf: VERSION, raisedTo: 0 };
  const times = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, changedAtMs: 0 };
  return { ...of, action: 'freeze', ...versions, reason: REASON, who: 'somebody', ...times };
}

function fill({ store, holds }: Core, census: ClientCensus): void {
  for (let index = 0; index < KEYS; index += 1) {
    for (const kind of [SPEC_V1, SPEC_V2]) {
      const bytes = Buffer.from('{}');
      const originForm = { encoding: 'identity', bytes, etag: '"x"' } as const;
      const payload = { format: 'json', version: VERSION, originForm, identityBytes: bytes.length } as const;
      assert.ok(store.apply(keyOf(sdkKeyOf(index), kind), payload));
    }
  }
  for (let index = 0; index < CLIENTS; index += 1) {
    const held = store.read(keyOf(index < CLIENTS_OF_ONE ? FIRST : sdkKeyOf(index % KEYS)));
    assert.ok(held !== undefined);
    // Every second one holds a version that nobody else holds.
    const sinceTime = VERSION - (index % 2) * index;
    census.polled(held, sinceTime, false, `session-${index}`, `statsig-sdk-${index % SDKS}`, '1.0.0');
  }
  holds.replace(Array.from({ length: HOLDS_MAX }, (_, index) => holdOf(index)));
}

/** As the app puts it together, but for what does not grow with keys and clients. */
function manySpecs(): Partial<OperatorApi> {
  const clock = new ManualClock();
  const log = createTestLog();
  const world = {
    clock,
    log,
    version: '0',
    user: undefined,
    openFilesMax: Infinity,
    memoryBytesMax: Infinity,
  };
  const options = { versionsMax: 1, bytesMax: 1, keeps: () => false, instanceName: 'many' };
  const history = new VersionHistory(clock, log, [], options);
  const origin = { fetch: () => assert.fail('nothing is due'), close: () => Promise.resolve() };
  const sources = { origin, places: [], link: undefined, push: undefined, history, feeds: undefined };
  const core = buildCore(config(), world, noProxyEvents, sources);
  const census = new ClientCensus(clock, noProxyEvents);
  core.store.subscribe(census);
  fill(core, census);
  const views = new SpecViews(clock, { ...core, census });
  const [line] = EXAMPLES.Audit.lines;
  return {
    status: () => EXAMPLES.Status,
    specs: (query) => views.page(query),
    spec: ({ keyHash, api, format }) => done(views.one(keyHash, api, format) ?? assert.fail()),
    clientsOf: async (_name, limit) => done(views.clientsOf(keyOf(FIRST), limit)),
    clients: (limit) => views.clients(limit),
    versions: async () => done({ inForce: VERSION, versions: [] }),
    holds: () => ({
      holds: core.holds.all.map((hold) => ({ ...describeHold(hold, 0), servedHere: VERSION })),
    }),
    audit: async () => done({ lines: [{ ...line, keyHash: hashSdkKey(LAST) }] }),
  };
}

async function text(page: Page): Promise<string> {
  return await page.locator('main').innerText();
}

test('with 1,000 SDK keys and 10,000 clients every answer and every view stays within its bound', async (t) => {
  const { url } = await servePage(t, systemClock, manySpecs());
  const { page, faults } = await openPage(t);
  const answers: (readonly [string, number])[] = [];
  page.on('requestfinished', (request) => {
    if (!request.url().includes('/api/v1/') || request.url().endsWith('/events')) return;
    const measured = request.sizes().then(({ responseBodySize }) => {
      answers.push([request.url(), responseBodySize]);
    });
    measured.catch((error: unknown) => faults.push(String(error)));
  });
  const sizes: number[] = [];
  const isBounded = async (): Promise<void> => {
    const elements = await page.evaluate<number>('document.querySelectorAll("*").length');
    sizes.push(elements);
    assert.ok(elements < ELEMENTS_MAX, `${elements} elements at ${page.url()}`);
  };
  const rows = page.locator('main table').first().locator('tbody tr');
  const first = rows.first().locator('a');

  await page.goto(`${url}/#/`);
  await rows.first().waitFor();
  assert.match(await text(page), /2\s000 specs/);
  assert.equal(await rows.count(), 50);
  assert.match(await text(page), /Held now[^]*480 more/);
  // One name of thousands.
  assert.match(
    await text(page),
    new RegExp(`What changed last[^]*${maskSdkKey(LAST).replaceAll('*', '\\*')}`),
  );
  await isBounded();

  const before = await first.getAttribute('href');
  await page.getByRole('link', { name: 'Next page' }).click();
  await eventually('the next page', async () => (await first.getAttribute('href')) !== before);
  assert.equal(await rows.count(), 50);
  await page.getByRole('link', { name: 'First page' }).click();
  await eventually('the first page', async () => (await first.getAttribute('href')) === before);

  await page.getByRole('searchbox').fill(`${hashSdkKey(LAST)} v2`);
  await eventually('the only match', async () => /\b1 of 2\s000 specs/.test(await text(page)));
  assert.equal(await rows.count(), 1);

  await page.getByRole('link', { name: '480 more' }).click();
  await eventually('all that is held', async () => /\b500 of 2\s000 specs/.test(await text(page)));

  await page.goto(`${url}/#/clients`);
  await page.getByText('900 more specs not shown').waitFor();
  assert.match(await text(page), /10\s000/);
  await isBounded();

  await page.goto(`${url}/#/spec/${hashSdkKey(FIRST)}/v1/json`);
  await page.getByText(/4\s905 more/).waitFor();
  await isBounded();

  t.diagnostic(JSON.stringify({ sizes, largest: Math.max(...answers.map(([, bytes]) => bytes)) }));
  for (const [asked, bytes] of answers) assert.ok(bytes < ANSWER_BYTES_MAX, `${bytes} bytes for ${asked}`);
  assert.deepEqual(faults, []);
});
