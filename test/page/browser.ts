// Chromium for tests of the page: one for each test file, headless; and pages that keep what went wrong on them.
import { existsSync } from 'node:fs';
import { after, type TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const PATHS = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const MISSING =
  'These tests need Chromium: `apt-get install chromium`, or its path in the variable CHROMIUM; scripts/test.sh installs it.';
/** As long as a busy machine may need for anything that takes a moment on an idle one. */
const PATIENCE_MS = 60_000;

let browser: Promise<Browser> | undefined;

after(async () => {
  await (await browser)?.close();
});

async function launch(): Promise<Browser> {
  const executablePath = PATHS.find((path) => path !== '' && existsSync(path));
  if (executablePath === undefined) throw new Error(MISSING);
  // Its sandbox needs a user other than root, or privileges that containers do not have.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return await chromium.launch({ executablePath, args, timeout: PATIENCE_MS });
}

export interface OpenPage {
  readonly page: Page;
  /** What its console, its scripts and its policy complained of; answers of other hosts and dialogs count as well. */
  readonly faults: string[];
  /** Ends it before the test does. */
  close(): Promise<void>;
}

/** Without a page in it yet; gone when the test is over. */
export async function openPage(t: TestContext, options: BrowserContextOptions = {}): Promise<OpenPage> {
  browser ??= launch();
  const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss().catch((error: unknown) => faults.push(String(error)));
  });
  return { page, faults, close: () => context.close() };
}
