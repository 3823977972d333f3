// The drill of an outage on the page, with a real SDK and tokens: a bad version, its difference, a rollback, an origin that fails, and the release.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenLine } from '../auth/issuer.js';
import { startCoreSdk } from '../e2e/core-sdk.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { temporaryFile } from '../process/temporary-file.js';
import { openPage } from './browser.js';

test('from a bad version to the release, on one page that is never loaded anew', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const tokens = [
    tokenLine('the-reader', 'sfp::read'),
    tokenLine('the-one-on-call', 'sfp::read,sfp::operate'),
  ];
  const args = ['-p', '1', '--tokens-file', temporaryFile(t, tokens.join('\n'))];
  args.push('--data-dir', makeTemporaryFolder('drill'));
  const proxy = await startProxy({ origin: origin.url, cache: 'local', args });
  t.after(() => proxy.app.stop());
  const sdk = await startCoreSdk(t, proxy.url, SDK_KEY);
  assert.equal(sdk.isGateOpen(), true);

  const { page, faults } = await openPage(t);
  await page.goto(proxy.adminUrl);
  await page.evaluate('window.isTheSame = true');
  const main = page.locator('main');
  const dialog = page.locator('dialog[open]');
  const useToken = async (token: string): Promise<void> => {
    await page.getByLabel('Token, with the scope').fill(token);
    await page.getByRole('button', { name: 'Use it' }).click();
  };

  await t.test('the page asks for a token, and says what is wrong with one', async () => {
    await page.getByText('Send an access token').first().waitFor();
    await useToken('not-a-token');
    await page.locator('dialog[open]').getByText('This access token is not known here').waitFor();
    await useToken('the-reader');
    await main.getByText('All is well').waitFor();
    await page.locator('header').getByText('live', { exact: true }).waitFor();
    assert.equal(await page.evaluate('document.cookie + localStorage.length + sessionStorage.length'), '00');
  });

  await t.test('the bad version shows, with what changed in it', async () => {
    origin.project = { ...origin.project, time: origin.project.time + 60_000, isGateOpen: false };
    await eventually('the SDK with the bad version', () => !sdk.isGateOpen());
    await main.locator('.changes').getByText('new version').nth(1).waitFor();
    await main.locator('tbody').getByText('secret-test***').click();
    await main.getByText('in force').waitFor();
    const diff = main.locator('.diff');
    await diff.getByText('demo_gate', { exact: true }).first().waitFor();
    assert.match(await diff.first().innerText(), /- +"passPercentage": 100[^]*\+ +"passPercentage": 0/);
  });

  await t.test(
    'without sfp::operate nothing changes; with it the last good version is back in running SDKs',
    async () => {
      const order = async (): Promise<void> => {
        await main.getByRole('button', { name: 'Roll back to this' }).click();
        await dialog.getByLabel('Reason').fill('checkout is down');
        await dialog.getByLabel('How long').selectOption({ label: 'for 4 h' });
        await dialog.getByRole('button', { name: 'Continue' }).click();
        await dialog.getByRole('button', { name: 'Roll back now' }).click();
      };
      await order();
      await dialog.getByText('This access token lacks the scope').waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Token' }).click();
      await useToken('the-one-on-call');
      await order();
      await main.getByText('Rolled back by').waitFor();
      assert.match(await main.innerText(), /Rolled back by the-one-on-call since [^]*checkout is down/);
      await eventually('the good version in the SDK', () => sdk.isGateOpen());
    },
  );

  await t.test('an origin that fails shows within seconds, with a remedy; what is served stays', async () => {
    await page.getByRole('link', { name: 'Overview' }).click();
    await main.getByText('Held now').waitFor();
    origin.fault = (response) => {
      response.writeHead(500).end();
    };
    await main.getByText('origin_failing').waitFor();
    await main.getByText('Check DNS, HTTPS_PROXY').waitFor();
    assert.equal(sdk.isGateOpen(), true);
    origin.fault = undefined;
    await main.getByText('origin_failing').waitFor({ state: 'detached' });
  });

  await t.test('the release brings what the origin has mended, and all is well', async () => {
    origin.project = {
      ...origin.project,
      time: origin.project.time + 60_000,
      isGateOpen: true,
      greeting: 'mended',
    };
    await main.getByRole('button', { name: 'Release' }).click();
    await dialog.getByRole('button', { name: 'Release now' }).click();
    await eventually('the mended version in the SDK', () => sdk.greeting() === 'mended');
    await main.getByText('All is well').waitFor();
    await page.getByRole('link', { name: 'Audit', exact: true }).click();
    await main.getByRole('heading', { name: 'Audit' }).waitFor();
    const rows = async (action: string): Promise<string> =>
      (await main.locator('tr', { hasText: action }).first().innerText()).replaceAll(/\s+/g, ' ');
    await eventually('line of the release', async () => (await main.innerText()).includes('release'));
    assert.match(await rows('release'), /the-one-on-call 127\.0\.0\.1/);
    assert.match(await rows('rollback'), /the-one-on-call 127\.0\.0\.1 test-replica checkout is down/);
    assert.equal(await page.evaluate('window.isTheSame'), true);
    // Answers with 401 and 403, which the browser's console repeats.
    assert.deepEqual(
      faults.filter((fault) => !/status of 40[13]/.test(fault)),
      [],
    );
  });
});
