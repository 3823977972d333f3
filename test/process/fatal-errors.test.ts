// What nobody handles, and what cannot be had at start: logged as one JSON line, then the process ends with status 1.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { daemonArgs, runProgram, startProgram, type Ending } from './daemon.js';
import { imageNodeArgs } from './image.js';
import { NO_ORIGIN } from './origin.js';
import { temporaryFile } from './temporary-file.js';

const DIST = new URL('../../dist/', import.meta.url);
const KEY = 'secret-unhandledkey0123456789';

/** Runs the daemon with a fault inside: `statement` is run once its handlers are there. */
async function runWithFault(
  t: TestContext,
  statement: string,
  furtherArgs: readonly string[] = [],
): Promise<Ending> {
  const script = `const timer = setInterval(() => {
    if (process.listenerCount('SIGHUP') === 0) return;
    clearInterval(timer);
    ${statement};
  }, 10);`;
  const nodeArgs = [...furtherArgs, '--import', pathToFileURL(temporaryFile(t, script, 'fault.mjs')).href];
  return await runProgram(t, daemonArgs(NO_ORIGIN), { nodeArgs });
}

interface FatalLine {
  readonly level: string;
  readonly msg: string;
  readonly err: { readonly type: string; readonly message: string; readonly stack: string };
}

function assertFatal({ code, stdout, stderr }: Ending): FatalLine {
  assert.equal(code, 1);
  assert.equal(stderr, '');
  // Its last lines are written behind: what began before the error may still be told after it.
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as FatalLine);
  return lines.find((line) => line.level === 'fatal') ?? assert.fail(stdout);
}

async function takenPort(t: TestContext): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return String((server.address() as AddressInfo).port);
}

describe('a fatal error', { concurrency: 4 }, () => {
  it('names lines of the sources, as the image is started with source maps', async (t) => {
    const chunk = readdirSync(DIST).find((name) => /^read-command-line-.*\.js$/.test(name));
    const cli = new URL(String(chunk), DIST).href;
    const statement = `import('${cli}').then(({ readCommandLine }) => readCommandLine('no array', ''))`;
    const { err } = assertFatal(await runWithFault(t, statement, imageNodeArgs()));
    assert.match(err.stack, /readCommandLine \(\S*\/src\/cli\/read-command-line\.ts:\d+:\d+\)/);
  });

  it('that nobody catches is logged, and ends the process with status 1', async (t) => {
    const line = assertFatal(await runWithFault(t, `throw new RangeError('boom')`));
    assert.equal(line.msg, 'unhandled error: the process ends');
    assert.equal(line.err.type, 'RangeError');
    assert.equal(line.err.message, 'boom');
  });

  it('in a promise that nobody waits for is logged, and ends the process with status 1', async (t) => {
    const line = assertFatal(await runWithFault(t, `Promise.reject(new Error('boom'))`));
    assert.equal(line.msg, 'unhandled error: the process ends');
    assert.equal(line.err.message, 'boom');
  });

  it('is logged where it is no Error at all', async (t) => {
    const line = assertFatal(await runWithFault(t, `Promise.reject('boom of ${KEY}')`));
    assert.equal(line.err.message, 'boom of secret-unha***');
  });

  it('with an SDK key in its text is logged with the key masked', async (t) => {
    const ending = await runWithFault(t, `throw new Error('GET http://x/${KEY}.json failed')`);
    const line = assertFatal(ending);
    assert.match(line.err.message, /^GET http:\/\/x\/secret-unha\*\*\*/);
    assert.match(line.err.stack, /secret-unha\*\*\*/);
    assert.ok(!ending.stdout.includes(KEY));
  });

  for (const [place, statement] of [
    ['the text of its cause', `throw new Error('boom', { cause: new Error('about ${KEY}') })`],
    ['a field of it', `throw Object.assign(new Error('boom'), { url: 'http://x/${KEY}' })`],
    ['its code', `throw Object.assign(new Error('boom'), { code: 'about ${KEY}' })`],
    ['an encoded URL in its text', `throw new Error('from ?to=http%3A%2F%2Fx%2F${KEY}.json')`],
  ] as const) {
    it(`with an SDK key in ${place} leaves no whole key in the log`, async (t) => {
      const ending = await runWithFault(t, statement);
      assertFatal(ending);
      assert.ok(!ending.stdout.includes(KEY), ending.stdout);
    });
  }

  it('of taken ports is one line that names them all, without a stack', async (t) => {
    const [http, admin, grpc] = [await takenPort(t), await takenPort(t), await takenPort(t)];
    const args = ['--http-port', http, '--admin-port', admin, '--grpc-port', grpc];
    const program = startProgram(t, [...daemonArgs(NO_ORIGIN, { mode: 'grpc-and-http' }), ...args]);
    const { code, stdout } = await program.ended;
    assert.equal(code, 1, stdout);
    const [line] = program.logs.withMessage('cannot start');
    const { faults = [], err } = line as { faults?: readonly string[]; err?: unknown };
    assert.equal(err, undefined);
    assert.equal(faults.length, 3);
    for (const [index, port] of [admin, http, grpc].entries()) {
      assert.match(faults[index] ?? '', new RegExp(`port ${port} of 127.0.0.1 \\(EADDRINUSE\\)`));
    }
    assert.deepEqual(program.logs.withMessage('listening'), []);
  });
});
