// Draws the pictures of docs/page.md: a proxy in an outage before a demo origin, in Chromium: `npm run screenshots`.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core';
import { nameSdkKeys } from '../src/domain/sdk-key.js';
import { startFakeOrigin } from '../test/fakes/fake-origin.js';
import { startProxy } from '../test/fakes/proxy.js';
import { ReplaneOrigin } from '../test/fakes/replane/replane-origin.js';
import { SdkApp } from '../test/fakes/replane/replane-sdk.js';
import { eventually } from '../test/e2e/deadline.js';

const FOLDER = new URL('../docs/page/', import.meta.url).pathname;
const SERVICES = ['checkout', 'search', 'payments', 'identity', 'notifications'];
const CLIENTS_EACH = 4;
const HOUR_MS = 3_600_000;

const keyOf = (service: string): string => `secret-${service}0123456789abcdef`;

const dataDir = mkdtempSync(join(tmpdir(), 'screenshots-'));
const origin = await startFakeOrigin();
origin.project = { ...origin.project, time: Date.now() - 5 * HOUR_MS };
const replane = await ReplaneOrigin.start();
const limits = replane.addKey();
nameSdkKeys(
  new Map([...SERVICES.map((service) => [keyOf(service), service] as const), [limits.sdkKey, 'limits']]),
);
const proxy = await startProxy({
  origin: origin.url,
  cache: 'local',
  args: ['-p', '1', '--data-dir', dataDir, '--replane-endpoint', replane.url],
  env: { HOSTNAME: 'proxy-0' },
});
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});

/** As SDKs do; some are told of no version yet. */
async function poll(sinceTime: number): Promise<void> {
  for (const [index, service] of SERVICES.entries()) {
    for (let client = 0; client < CLIENTS_EACH + index; client += 1) {
      const headers = {
        'statsig-sdk-type': client % 3 === 0 ? 'statsig-node' : 'statsig-server-core-node',
        'statsig-sdk-version': client % 3 === 0 ? '6.5.2' : '0.23.2',
        'statsig-server-session-id': `${service}-${client}`,
      };
      const url = `${proxy.url}/v1/download_config_specs/${keyOf(service)}.json?sinceTime=${sinceTime}`;
      await (await fetch(url, { headers })).arrayBuffer();
    }
  }
}

interface Spec {
  readonly sdkKey: string;
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
  readonly version: number;
}

async function specs(): Promise<readonly Spec[]> {
  const answer = await fetch(`${proxy.adminUrl}/api/v1/specs`);
  return ((await answer.json()) as { readonly specs: readonly Spec[] }).specs;
}

async function picture(
  name: string,
  route: string,
  options: BrowserContextOptions,
  ready: string,
  act: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const context = await browser.newContext(options);
  const page: Page = await context.newPage();
  await page.goto(`${proxy.adminUrl}/#${route}`);
  await page.locator('main').getByText(ready).first().waitFor();
  await act(page);
  await page.screenshot({ path: `${FOLDER}${name}.png` });
  await context.close();
}

async function takeTrial(): Promise<void> {
  const plan = { operator: 'in', property: 'plan', value: ['pro', 'enterprise'] } as const;
  const region = { operator: 'equals', property: 'region', value: 'eu' } as const;
  const tenth = {
    operator: 'segmentation',
    property: 'userId',
    fromPercentage: 0,
    toPercentage: 10,
    seed: 'limits',
  } as const;
  limits.project.set('requests-per-second', 100, [
    { name: 'paying customers in Europe', conditions: [plan, region], value: 500 },
    {
      name: 'trial of higher limits',
      conditions: [{ operator: 'or', conditions: [plan, tenth] }],
      value: 250,
    },
  ]);
  limits.project.set('maintenance', false);
  const app = new SdkApp(proxy.url, limits.sdkKey);
  await app.connect();
  const held = (await specs()).find(({ api }) => api === 'replane');
  if (held === undefined) throw new Error('the proxy does not hold the project');
  const at = { viewport: { width: 1000, height: 720 } };
  await picture(
    'try-context',
    `/spec/${held.keyHash}/replane/json`,
    at,
    'no override matches',
    async (page) => {
      await page.getByLabel('Context', { exact: true }).fill('plan: pro\nregion: us');
      await page.getByRole('button', { name: 'Try it' }).click();
      await page.getByText('1 with an override that matches').waitFor();
      await page
        .getByRole('heading', { name: 'Try a context' })
        .evaluate('(heading) => heading.scrollIntoView()');
    },
  );
  app.disconnect();
}

await poll(0);
await poll(origin.project.time);
const bad = Date.now() - 60_000;
origin.project = { ...origin.project, time: bad, isGateOpen: false, openGates: ['new_checkout'] };
await eventually('the bad version', async () => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  const polled = (await specs()).filter(({ api, format }) => api === 'v1' && format === 'json');
  return polled.length === SERVICES.length && polled.every(({ version }) => version === bad);
});
await poll(bad - 4 * HOUR_MS);
await poll(bad);
const checkout = (await specs()).find(({ sdkKey }) => sdkKey === 'checkout');
if (checkout === undefined) throw new Error('the proxy does not hold the spec of checkout');
const route = `${checkout.keyHash}/v1/json`;
const wide = { viewport: { width: 1280, height: 860 } };
mkdirSync(FOLDER, { recursive: true });
await picture('one-spec', `/spec/${route}`, wide, 'demo_gate');
await takeTrial();
await fetch(`${proxy.adminUrl}/api/v1/specs/${route}/freeze`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ reason: 'checkout fails since the change of 03:02' }),
});
origin.fault = (response) => {
  response.writeHead(503).end();
};
await eventually('the outage', async () =>
  (await (await fetch(`${proxy.adminUrl}/status`)).text()).includes('origin_failing'),
);
await picture('overview', '/', wide, 'origin_failing');
await picture(
  'phone-dark',
  '/',
  { viewport: { width: 390, height: 860 }, colorScheme: 'dark' },
  'origin_failing',
);

await browser.close();
await proxy.app.stop();
await origin.close();
await replane.down();
rmSync(dataDir, { recursive: true });
