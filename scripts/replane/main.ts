// Runs Replane's own test suite against this proxy before a Replane server from a checkout: `npm run test:replane`.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/fakes/free-port.js';
import { missingIn, NEEDS } from './checkout.js';
import { Children, run } from './children.js';
import { serverText, suiteText, VITEST_CONFIG } from './server-text.js';

const SUITE = [
  '@replanejs/test-suite@1.0.4',
  '@replanejs/sdk@1.0.4',
  '@replanejs/admin@1.0.4',
  'vitest@3.2.4',
];
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const HERE = fileURLToPath(new URL('../..', import.meta.url));

const folder = process.env['REPLANE_DIR'];
const missing = missingIn(folder, process.env);
if (folder === undefined || missing.length > 0) {
  console.error(`${missing.join('\n')}\n${NEEDS}`);
  process.exitCode = 2;
} else {
  process.exitCode = await runSuite(folder);
}

async function runSuite(checkout: string): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'replane-suite-'));
  const serverFile = join(checkout, `.suite-server-${process.pid}.mts`);
  const children = new Children();
  try {
    const [serverPort, httpPort, adminPort] = [await freePort(), await freePort(), await freePort()];
    const server = `http://127.0.0.1:${serverPort}`;
    const edge = `http://127.0.0.1:${httpPort}`;
    const superuserKey = randomBytes(24).toString('hex');
    writeFileSync(serverFile, serverText(serverPort));
    const env = {
      BASE_URL: server,
      SECRET_KEY: randomBytes(24).toString('hex'),
      SUPERUSER_API_KEY: superuserKey,
      TESTING_MODE: 'true',
      REPLICA_STORAGE_PATH: join(work, 'replica.db'),
    };
    const args = ['--conditions=react-server', '--import', 'tsx', serverFile];
    await children.start(
      'Replane',
      { file: process.execPath, args, cwd: checkout, env },
      `${server}/api/health`,
    );
    const ports = ['--http-port', String(httpPort), '--admin-port', String(adminPort), '--host', '127.0.0.1'];
    const replane = [
      '--replane-endpoint',
      server,
      '--replane-testing-sync',
      '--replane-resync-interval-in-s',
      '5',
    ];
    const daemon = [MAIN, 'http', 'disabled', ...ports, ...replane];
    await children.start(
      'the proxy',
      { file: process.execPath, args: daemon, cwd: HERE },
      `${edge}/v1/health`,
    );
    writeFileSync(join(work, 'package.json'), '{"private":true,"type":"module"}');
    writeFileSync(join(work, 'vitest.config.js'), VITEST_CONFIG);
    writeFileSync(join(work, 'suite.test.js'), suiteText({ admin: server, edge }, superuserKey));
    const installed = run({
      file: 'npm',
      args: ['install', '--ignore-scripts', '--no-audit', ...SUITE],
      cwd: work,
    });
    if (installed !== 0) return installed;
    return run({ file: join(work, 'node_modules/.bin/vitest'), args: ['run'], cwd: work });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await children.stop();
    rmSync(serverFile, { force: true });
    rmSync(work, { recursive: true, force: true });
  }
}
