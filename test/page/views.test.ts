// Every view of the page in Chromium, before a proxy with real SDKs: what it shows, live, by keyboard, on a phone, in the dark, to everybody.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { StatsigServer } from 'statsig-node';
import { startCoreSdk } from '../e2e/core-sdk.js';
import { eventually, within } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { openPage } from './browser.js';

interface Scene {
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
  /** The route of the spec that polls of v2 get. */
  readonly spec: string;
}

/** The proxy, a legacy SDK and a core SDK that poll it, and log events of one of them; two versions. */
async function startScene(t: TestContext): Promise<Scene> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const args = ['-p', '1', '--data-dir', makeTemporaryFolder('page')];
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', cache: 'local', args });
  t.after(() => proxy.app.stop());
  const legacy = new StatsigServer(SDK_KEY, {
    api: `${proxy.url}/v1`,
    rulesetsSyncIntervalMs: 5_000,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  t.after(() => legacy.shutdownAsync());
  await within(legacy.initializeAsync(), 'legacy SDK');
  await startCoreSdk(t, proxy.url, SDK_KEY);
  origin.project = { ...origin.project, time: origin.project.time + 60_000, isGateOpen: false };
  // Not by /api/v1, whose few answers a second are for the page.
  await eventually('both SDKs with the second version', async () => {
    const { text } = await rawRequest(`${proxy.adminUrl}/status?keys=`);
    const { byKey } = (JSON.parse(text) as { clients: { byKey: readonly Row[] } }).clients;
    return (
      byKey.length === 2 && byKey.every((row) => row.version === origin.project.time && row.newest === 1)
    );
  });
  const { text } = await rawRequest(`${proxy.adminUrl}/api/v1/specs?search=v2`);
  const [spec = assert.fail(text)] = (JSON.parse(text) as { specs: readonly Spec[] }).specs;
  return { origin, proxy, spec: `/spec/${spec.keyHash}/${spec.api}/${spec.format}` };
}

interface Row {
  readonly version: number;
  readonly newest: number;
}

interface Spec {
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
}

async function show(page: Page, { proxy }: Scene, route: string): Promise<void> {
  await page.goto(`${proxy.adminUrl}/#${route}`);
  await page.locator('main h1').waitFor();
}

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const run = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()');
  return run.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

test('in Chromium, before a proxy with real SDKs', async (t) => {
  const scene = await startScene(t);

  await t.test(
    'every view says what the proxy has, to everybody, on a screen and on a phone in the dark',
    async (t) => {
      const views: readonly (readonly [string, RegExp])[] = [
        ['/', /All is well[^]*What changed last[^]*new version[^]*secret-test\*{3}/],
        [
          scene.spec,
          /in force[^]*demo_gate[^]*Clients[^]*statsig-server-core-node[^]*nothing new[^]*disk[^]*stored/,
        ],
        ['/clients', /statsig-node[^]*By spec[^]*secret-test\*{3}/],
        ['/fleet', /Versions side by side/],
        ['/log-events', /kept on disk/],
        ['/id-lists', /Size of the copies/],
        ['/settings', /--polling-interval-in-s[^]*option/],
        ['/audit', /new version[^]*origin[^]*test-replica/],
      ];
      for (const [width, colorScheme] of [
        [1280, 'light'],
        [360, 'dark'],
      ] as const) {
        const { page, faults } = await openPage(t, { viewport: { width, height: 800 }, colorScheme });
        for (const [route, text] of views) {
          await show(page, scene, route);
          assert.match(await page.locator('main').innerText(), text, route);
          assert.equal(await page.locator('h1').count(), 1, route);
          assert.deepEqual(await violations(page), [], `${route} ${width}`);
          const scrolls = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          assert.ok(Number(scrolls) <= 0, `${route} is ${String(scrolls)} px wider than ${width}`);
        }
        assert.deepEqual(faults, []);
      }
    },
  );

  await t.test(
    'a change shows without a reload, and leaves what the reader typed and where the focus is',
    async (t) => {
      const { page, faults } = await openPage(t);
      await show(page, scene, '/');
      await page.evaluate('window.isTheSame = true');
      await page.getByRole('searchbox').fill('secret-test');
      await eventually('search', async () =>
        (await page.locator('main').innerText()).includes('2 of 2 specs'),
      );
      const { origin } = scene;
      origin.project = { ...origin.project, time: origin.project.time + 60_000 };
      const shown = page.locator(`tbody [title="version ${origin.project.time}"]`);
      await eventually('both specs with the new version', async () => (await shown.count()) === 2);
      assert.equal(await page.evaluate('window.isTheSame'), true);
      assert.equal(await page.getByRole('searchbox').inputValue(), 'secret-test');
      assert.equal(await page.evaluate('document.activeElement.type'), 'search');
      assert.deepEqual(faults, []);
    },
  );

  await t.test('by keyboard alone a spec is found, frozen and released', async (t) => {
    const { page, faults } = await openPage(t);
    await show(page, scene, '/');
    const { keyboard } = page;
    /** Goes on to the next element with this text. */
    const tabTo = async (text: string): Promise<void> => {
      for (let count = 0; count < 80; count += 1) {
        await keyboard.press('Tab');
        const at = await page.evaluate<string>('document.activeElement.textContent');
        if (at === text) return;
      }
      assert.fail(`no way to ${text}`);
    };
    await keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
    await keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'MAIN');
    await tabTo('secret-test***');
    await keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'secret-test***' }).waitFor();
    await tabTo('Freeze');
    await keyboard.press('Enter');
    await keyboard.type('flags misbehave');
    await tabTo('Continue');
    await keyboard.press('Enter');
    await page.getByText('Reason: flags misbehave').waitFor();
    await keyboard.press('Enter');
    await page.locator('main').getByText('Frozen by').waitFor();
    await tabTo('Release');
    await keyboard.press('Enter');
    await page.getByText('What the origin has now is served again.').waitFor();
    // Away without an order, then for good.
    await keyboard.press('Escape');
    await eventually('closed dialog', async () => (await page.locator('dialog[open]').count()) === 0);
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Release', 'the focus is back');
    await keyboard.press('Enter');
    await page.getByText('What the origin has now is served again.').waitFor();
    await keyboard.press('Enter');
    await page.locator('main').getByText('Nothing holds this spec').waitFor();
    assert.deepEqual(faults, []);
  });

  await t.test('markup in names, reasons, SDK types and error texts is text', async (t) => {
    const { origin, proxy } = scene;
    const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    const headers = {
      'statsig-sdk-type': '<script>alert(3)</script>',
      'statsig-sdk-version': '1"><b>x',
      'statsig-server-session-id': '<i>session</i>',
    };
    await rawRequest(`${proxy.url}/v2/download_config_specs/${SDK_KEY}.json`, { headers });
    origin.project = {
      ...origin.project,
      time: origin.project.time + 60_000,
      openGates: [evil, 'javascript:alert(4)'],
    };
    const api = `${proxy.adminUrl}/api/v1${scene.spec.replace('/spec/', '/specs/')}`;
    const body = `${proxy.url}/v2/download_config_specs/${SDK_KEY}.json`;
    await eventually('the version with evil gates', async () =>
      (await rawRequest(body)).text.includes(String(origin.project.time)),
    );
    const order = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const frozen = await rawRequest(`${api}/freeze`, { ...order, body: JSON.stringify({ reason: evil }) });
    assert.equal(frozen.status, 200, frozen.text);
    origin.fault = (response) => {
      response.writeHead(500, { 'content-type': 'text/html' }).end(evil);
    };
    const { page, faults } = await openPage(t);
    for (const [route, ...texts] of [
      ['/', evil],
      [scene.spec, evil, 'javascript:alert(4)'],
      ['/clients'],
      ['/audit', evil],
      [`/audit?search=${encodeURIComponent(evil)}`, evil],
      [`/spec/${encodeURIComponent(evil)}/v1/json`],
      [`/${encodeURIComponent(evil)}`],
    ] as const) {
      await page.goto(`${proxy.adminUrl}/#${route}`);
      await page.locator('main h1, .alert p').first().waitFor();
      for (const text of texts)
        await eventually(`${text} at ${route}`, async () =>
          (await page.locator('main').innerText()).includes(text),
        );
      const made = await page.evaluate(
        'document.body.querySelectorAll("img, script, iframe, b, i, a[href^=javascript]").length',
      );
      assert.equal(made, 0, route);
    }
    // The spec that nobody has is an answer of 404, which the browser's console repeats.
    assert.deepEqual(
      faults.filter((fault) => !fault.includes('404')),
      [],
    );
    origin.fault = undefined;
    assert.equal((await rawRequest(`${api}/release`, { ...order, body: '{}' })).status, 200);
  });
});
