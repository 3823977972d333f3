// A context tried against a Replane project on the page, in Chromium, beside a real SDK: by keyboard, on a phone, in the dark, with hostile names.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { tokenLine } from '../auth/issuer.js';
import { sharedScene } from '../app/replane-scene.js';
import { eventually } from '../e2e/deadline.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { openPage, type OpenPage } from './browser.js';

const TOKEN = 'the-reader';
const EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
const ELEMENTS_MAX = 10_000;

const folder = makeTemporaryFolder('try-context');
const tokens = join(folder, 'tokens');
writeFileSync(tokens, tokenLine(TOKEN, 'sfp::read'));
const args = ['--data-dir', join(folder, 'data'), '--tokens-file', tokens];
const scene = await sharedScene({ cache: 'local', args });

type Project = ReturnType<typeof scene.origin.addKey>['project'];

/** A project that is held, with a client of it. */
async function startProject(
  fill: (project: Project) => void,
): Promise<{ sdkKey: string; project: Project; app: ReturnType<typeof scene.app> }> {
  const { sdkKey, project } = scene.origin.addKey();
  fill(project);
  const app = scene.app(sdkKey);
  await app.connect();
  return { sdkKey, project, app };
}

async function show(t: TestContext, sdkKey: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const opened = await openPage(t, options);
  await opened.page.goto(`${scene.proxy.adminUrl}/#/spec/${hashSdkKey(sdkKey)}/replane/json`);
  await opened.page.getByLabel('Token, with the scope').fill(TOKEN);
  await opened.page.getByRole('button', { name: 'Use it' }).click();
  await trial(opened.page).locator('.configs').waitFor();
  // The browser's console repeats each answer of 401.
  opened.faults.splice(0, Infinity, ...opened.faults.filter((fault) => !fault.includes('401')));
  return opened;
}

function trial(page: Page): ReturnType<Page['locator']> {
  return page.getByRole('region', { name: 'Try a context' });
}

async function tryIt(page: Page, context: string, search = ''): Promise<void> {
  await page.getByLabel('Context', { exact: true }).fill(context);
  await page.getByLabel('Configs, by words of their names').fill(search);
  await page.getByRole('button', { name: 'Try it' }).click();
}

async function shows(page: Page, text: RegExp): Promise<void> {
  let shown = '';
  await eventually(`${text} in ${shown}`, async () => {
    shown = await trial(page).innerText();
    return text.test(shown);
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${shown}`));
}

/** Of each config that is shown, its value as JSON. */
async function valuesOn(page: Page): Promise<Readonly<Record<string, string>>> {
  const rows = await page.locator('.configs > li').all();
  const entries = rows.map(async (row) => {
    const name = (await row.locator('bdi').first().textContent()) ?? '';
    return [name, (await row.locator('.value').textContent()) ?? ''] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const IN_PLAN = { operator: 'in', property: 'plan', value: ['pro', 'ent'] } as const;
const ADULT = { operator: 'greater_than_or_equal', property: 'age', value: 18 } as const;
const TENTH = {
  operator: 'segmentation',
  property: 'userId',
  fromPercentage: 0,
  toPercentage: 10,
  seed: 'limits-seed',
} as const;

test('each config is what the SDK says of it, with the override that counts and a reason for each condition', async (t) => {
  const { sdkKey, project, app } = await startProject((project) => {
    project.set('limits', { rps: 100 }, [
      { name: 'pro adults', conditions: [IN_PLAN, ADULT], value: { rps: 500 } },
      {
        name: 'some of the rest',
        conditions: [
          { operator: 'not', condition: TENTH },
          { operator: 'or', conditions: [IN_PLAN, ADULT] },
        ],
        value: { rps: 200 },
      },
    ]);
    project.set('flag', true);
  });
  const { page, faults } = await show(t, sdkKey);
  await shows(
    page,
    /2 configs, 0 with an override that matches[^]*for the context \{\}[^]*limits[^]*no override matches/,
  );
  await shows(page, /unknown\s+plan in \["pro","ent"\]\s+the context has no "plan"/);
  await shows(page, /not\s+the condition in it is unknown[^]*userId in 0 to 10 % with seed "limits-seed"/);

  for (const [text, context, by] of [
    ['plan: pro\nage: 18', { plan: 'pro', age: 18 }, /override\s+pro adults/],
    [
      '{"plan": "ent", "age": 17, "userId": "u-2"}',
      { plan: 'ent', age: 17, userId: 'u-2' },
      /override\s+some of the rest/,
    ],
    ['plan: free', { plan: 'free' }, /no override matches/],
  ] as const) {
    await tryIt(page, text);
    await shows(page, new RegExp(`for the context ${JSON.stringify(context).replaceAll(/[{}]/g, '\\$&')}`));
    assert.match(await trial(page).innerText(), by);
    assert.deepEqual(await valuesOn(page), {
      limits: JSON.stringify(app.get('limits', context)),
      flag: JSON.stringify(app.get('flag', context)),
    });
  }
  await shows(page, /not matched\s+plan in \["pro","ent"\]\s+"plan" is "free": not in \["pro","ent"\]/);

  // What comes meanwhile shows by itself, and what was typed stays.
  await page.getByLabel('Context', { exact: true }).fill('plan: not tried yet');
  project.set('flag', 'changed');
  await shows(page, /flag\s+"changed"/);
  assert.deepEqual((await valuesOn(page))['flag'], '"changed"');
  assert.equal(await page.getByLabel('Context', { exact: true }).inputValue(), 'plan: not tried yet');
  assert.equal(await page.evaluate('document.cookie + localStorage.length + sessionStorage.length'), '00');
  assert.deepEqual(faults, []);
});

test('what is wrong is said beside the form, and the next question is answered', async (t) => {
  const { sdkKey } = await startProject((project) => {
    project.set('limits', 1, [{ name: 'for pro', conditions: [IN_PLAN], value: 5 }]);
  });
  const { page, faults } = await show(t, sdkKey);
  const alert = trial(page).getByRole('alert');
  const says = async (text: RegExp): Promise<void> => {
    await eventually(String(text), async () => text.test((await alert.allInnerTexts()).join('')));
    assert.equal(await page.locator('.configs').count(), 0);
    assert.match(
      await page.locator('main').innerText(),
      /Nothing holds this spec/,
      'the rest of the view stays',
    );
  };
  await tryIt(page, '{"plan": pro}');
  await says(/^The context is not JSON: /);
  const context = page.getByLabel('Context', { exact: true });
  assert.equal(await context.getAttribute('aria-invalid'), 'true');
  await tryIt(page, 'pro');
  await says(/^Line 1 of the context is not a property/);
  assert.deepEqual(await violations(page), []);
  for (const [status, reason, message] of [
    [404, 'not_found', 'This replica holds no such spec.'],
    [503, 'not_ready', 'The replica is not ready.'],
  ] as const) {
    await page.route('**/evaluate', (route) =>
      route.fulfill({ status, json: { status, reason, message, error: 'x' } }),
    );
    await tryIt(page, `status: ${status}`);
    await says(new RegExp(`^${message}$`));
    assert.equal(await context.getAttribute('aria-invalid'), null);
    await page.unroute('**/evaluate');
  }
  await page.route('**/evaluate', (route) => route.fulfill({ status: 503, body: '<html>' }));
  await tryIt(page, 'plan: ent');
  await says(/answered with status 503/);
  await page.unroute('**/evaluate');
  await tryIt(page, 'plan: pro');
  await shows(page, /override\s+for pro/);
  assert.equal(await alert.count(), 0);
  assert.deepEqual(
    faults.filter((fault) => !/status of (404|503)/.test(fault)),
    [],
  );
});

test('by keyboard alone, on a phone in the dark, to everybody', async (t) => {
  const { sdkKey } = await startProject((project) => {
    project.set('limits', 'x'.repeat(3_000), [
      { name: 'for pro', conditions: [IN_PLAN], value: 'y'.repeat(3_000) },
    ]);
    project.set('flag', true);
  });
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    const { page, faults } = await show(t, sdkKey, { viewport: { width, height: 800 }, colorScheme });
    const { keyboard } = page;
    await page.getByLabel('Context', { exact: true }).focus();
    await keyboard.type('plan: pro');
    await keyboard.press('Tab');
    await keyboard.type('LIM');
    await keyboard.press('Enter');
    await shows(page, /1 config, 1 with an override that matches/);
    assert.equal(await page.evaluate('document.activeElement.id'), 'trial-search', 'the focus stays');
    await keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Try it');
    await keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY');
    await keyboard.press('Enter');
    await eventually('folded', async () => (await page.locator('.configs details[open]').count()) === 0);
    assert.deepEqual(await violations(page), []);
    await keyboard.press('Enter');
    await eventually('unfolded', async () => (await page.locator('.configs details[open]').count()) === 1);
    assert.deepEqual(await violations(page), []);
    const scrolls = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(scrolls) <= 0, `${String(scrolls)} px wider than ${width}`);
    assert.deepEqual(faults, []);
  }
});

test('markup in names, values and conditions is text', async (t) => {
  const { sdkKey } = await startProject((project) => {
    const condition = { operator: 'equals', property: EVIL, value: EVIL } as const;
    project.set(EVIL, EVIL, [{ name: EVIL, conditions: [condition], value: { x: EVIL } }]);
    project.set('\u202eevil', ['javascript:alert(3)']);
  });
  const { page, faults } = await show(t, sdkKey);
  await tryIt(page, `{${JSON.stringify(EVIL)}: ${JSON.stringify(EVIL)}, "constructor": "x"}`);
  await shows(page, /2 configs, 1 with an override that matches/);
  for (const text of [EVIL, JSON.stringify({ x: EVIL }), `${EVIL} equals ${JSON.stringify(EVIL)}`])
    assert.ok((await trial(page).innerText()).includes(text), text);
  await tryIt(page, `${EVIL}: pro\n${EVIL}: pro`);
  await shows(page, /once more/);
  const made = 'document.body.querySelectorAll("img, script, iframe, a[href^=javascript]").length';
  assert.equal(await page.evaluate(made), 0);
  assert.deepEqual(faults, []);
});

test('of many configs and conditions as many are shown as somebody can look at, and how many more there are', async (t) => {
  const { sdkKey } = await startProject((project) => {
    const conditions = Array.from({ length: 20 }, () => ADULT);
    const overrides = Array.from({ length: 100 }, (_, index) => ({
      name: `o${index}`,
      conditions,
      value: index,
    }));
    project.set('large', 0, overrides);
    for (let index = 0; index < 599; index += 1) project.set(`c${index}`, index);
  });
  const { page, faults } = await show(t, sdkKey);
  await shows(page, /100 configs[^]*500 more configs are not shown: at most 100/);
  await shows(page, /More overrides and conditions are not shown/);
  await trial(page).getByRole('button', { name: 'Show up to 500' }).click();
  await shows(page, /500 configs[^]*100 more configs are not shown: at most 500/);
  assert.equal(await trial(page).getByRole('button', { name: 'Show up to' }).count(), 0);
  const elements = await page.evaluate<number>('document.querySelectorAll("*").length');
  t.diagnostic(`${elements} elements`);
  assert.ok(elements < ELEMENTS_MAX, `${elements} elements`);
  await tryIt(page, '', 'c598');
  await shows(page, /1 config,/);
  assert.deepEqual(await valuesOn(page), { c598: '598' });
  await tryIt(page, '', 'nobody has this');
  await shows(page, /No config has such a name\./);
  assert.deepEqual(faults, []);
});

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const run = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()');
  return run.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
