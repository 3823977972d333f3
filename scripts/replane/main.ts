// Runs Replane's own test suite against this proxy, before a double of Replane's server or before a real one from a checkout: `npm run test:replane`.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/fakes/free-port.js';
import { ReplaneServer } from '../../test/fakes/replane/replane-server.js';
import { missingIn, NEEDS } from './checkout.js';
import { Children } from './children.js';
import { serverText } from './server-text.js';
import { installSuite, runSuite } from './suite.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const HERE = fileURLToPath(new URL('../..', import.meta.url));

const folder = process.env['REPLANE_DIR'] ?? '';
const missing = folder === '' ? [] : missingIn(folder, process.env);
if (missing.length > 0) {
  console.error(`${missing.join('\n')}\n${NEEDS}`);
  process.exitCode = 2;
} else {
  process.exitCode = await inOneRun(folder === '' ? beforeDouble : beforeCheckout);
}

interface Run {
  /** Removed at the end. */
  readonly work: string;
  /** Stopped at the end. */
  readonly children: Children;
  readonly superuserKey: string;
}

async function inOneRun(runIt: (run: Run) => Promise<number>): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'replane-suite-'));
  const children = new Children();
  try {
    const installed = await installSuite(work);
    if (installed !== 0) return installed;
    return await runIt({ work, children, superuserKey: randomBytes(24).toString('hex') });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await children.stop();
    rmSync(work, { recursive: true, force: true });
  }
}

/** First without the proxy: whether the double is what the suite takes for Replane. */
async function beforeDouble({ work, children, superuserKey }: Run): Promise<number> {
  const server = await ReplaneServer.start(superuserKey);
  try {
    const { adminUrl: admin, origin } = server;
    const direct = await runSuite(work, 'double-alone', { admin, edge: origin.url }, superuserKey);
    if (direct !== 0) {
      console.error('the double of Replane fails its suite: that says nothing of the proxy');
      return direct;
    }
    const edge = await startProxy(children, origin.url);
    return await runSuite(work, 'proxy-before-double', { admin, edge }, superuserKey);
  } finally {
    await server.stop();
  }
}

async function beforeCheckout({ work, children, superuserKey }: Run): Promise<number> {
  const serverFile = join(folder, `.suite-server-${process.pid}.ts`);
  try {
    const port = await freePort();
    const admin = `http://127.0.0.1:${port}`;
    writeFileSync(serverFile, serverText(port));
    const env = {
      BASE_URL: admin,
      SECRET_KEY: randomBytes(24).toString('hex'),
      SUPERUSER_API_KEY: superuserKey,
      TESTING_MODE: 'true',
      REPLICA_STORAGE_PATH: join(work, 'replica.db'),
    };
    const args = ['--conditions=react-server', '--import', 'tsx', serverFile];
    const command = { file: process.execPath, args, cwd: folder, env };
    await children.start('Replane', command, `${admin}/api/health`);
    const edge = await startProxy(children, admin);
    return await runSuite(work, 'proxy-before-replane', { admin, edge }, superuserKey);
  } finally {
    rmSync(serverFile, { force: true });
  }
}

/** Its URL for SDKs. */
async function startProxy(children: Children, server: string): Promise<string> {
  const [httpPort, adminPort] = [await freePort(), await freePort()];
  const ports = ['--http-port', String(httpPort), '--admin-port', String(adminPort), '--host', '127.0.0.1'];
  const resync = ['--replane-resync-interval-in-s', '5'];
  const replane = ['--replane-endpoint', server, '--replane-testing-sync', ...resync];
  const args = [MAIN, 'http', 'disabled', ...ports, ...replane];
  const edge = `http://127.0.0.1:${httpPort}`;
  await children.start('the proxy', { file: process.execPath, args, cwd: HERE }, `${edge}/v1/health`);
  return edge;
}
