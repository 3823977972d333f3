// ./run_locally.sh: what it prints works as typed, and whatever ends it, nothing it started lives on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { isAlive, LocalRun, ROOT, runLocally } from './local-run.js';

const PORTS = '--http-port 0 --grpc-port 0 --admin-port 0';
const LAST_LINE = 'Ctrl-C stops everything.';

function ownFolder(): string {
  return `--data-dir '${makeTemporaryFolder('run-locally')}'`;
}

/** What a command writes until it ends. */
async function outputOf(t: TestContext, command: string): Promise<string> {
  const run = new LocalRun(t, command);
  assert.equal(await run.exitStatus(), 0, run.output);
  return run.output;
}

async function assertNothingLeft(pids: readonly number[]): Promise<void> {
  assert.ok(pids.length > 1, 'a proxy and a printer at least');
  await eventually('end of all it started', () => !pids.some(isAlive));
}

describe('./run_locally.sh', { concurrency: 3 }, () => {
  it('prints lines that work as typed', async (t) => {
    const run = runLocally(t, `${PORTS} ${ownFolder()}`);
    await run.printed(LAST_LINE);
    assert.match(run.output, /The proxy is ready on http:\/\/127\.0\.0\.1:\d+, in front of a demo origin/);
    assert.doesNotMatch(run.output, /npm warn|Building|Installing/);
    const spec = await outputOf(t, run.line('curl -si'));
    assert.match(spec, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(spec, /"demo_gate"/);
    assert.equal(await outputOf(t, run.line('curl -s "')), '{"has_updates":false}');
    assert.match(await outputOf(t, run.line(`curl -s '${urlIn(run)}/v1/log_event`)), /"success":\s*true/);
    assert.match(await outputOf(t, run.line(`curl -s '${urlIn(run)}/v1/get_id_lists`)), /"demo_testers"/);
    assert.match(await outputOf(t, statusLine(run)), /^\{.*\}\n$/s);
    const stream = new LocalRun(t, `exec bash -c ${JSON.stringify(run.line('cd '))}`);
    await stream.printed('"greeting"');
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`stops on ${signal} with status 0, and leaves nothing behind`, async (t) => {
      // Started by `&` of a script, it would inherit that SIGINT is ignored.
      const run = new LocalRun(t, `trap '' INT; exec '${ROOT}/run_locally.sh' http disabled ${PORTS}`);
      await run.printed(LAST_LINE);
      const started = run.descendants();
      run.signal(signal);
      assert.equal(await run.exitStatus(), 0, run.output);
      assert.match(run.output, /"msg":"stopped"\}\n$/);
      await assertNothingLeft([run.pid, ...started]);
    });
  }

  it('ends when the proxy is killed, with the status of that', async (t) => {
    const run = runLocally(t, `http disabled ${PORTS}`);
    await run.printed(LAST_LINE);
    const started = run.descendants();
    process.kill(proxyOf(run), 'SIGKILL');
    assert.equal(await run.exitStatus(), 137, run.output);
    await assertNothingLeft([run.pid, ...started]);
  });

  it('ends when nobody reads what it prints', async (t) => {
    const run = new LocalRun(t, `'${ROOT}/run_locally.sh' http disabled ${PORTS} | head -n 2`);
    await run.exitStatus();
    assert.match(run.output, /^\nThe proxy is ready on .*\n$/);
  });

  it('prints a line for a second replica that shares the Redis of the first', async (t) => {
    const { url } = await startRedisServer(t);
    const first = runLocally(t, `grpc-and-http redis ${PORTS} ${ownFolder()}`, { env: { REDIS_URL: url } });
    await first.printed(LAST_LINE);
    await first.printed('"msg":"started up: ready for traffic"');
    const line = first.line('STATSIG_ENDPOINT=');
    const second = new LocalRun(t, `exec env ${line}`);
    await second.printed(LAST_LINE);
    assert.match(
      second.line('The proxy '),
      /^The proxy is ready on .*, in front of http:\/\/127\.0\.0\.1:\d+\/\./,
    );
    const demoKey = /[\w-]+(?=\.json')/.exec(first.line('curl -si'))?.[0];
    const spec = await outputOf(
      t,
      `curl -s ${urlIn(second)}/v2/download_config_specs/${String(demoKey)}.json`,
    );
    assert.match(spec, /"demo_gate"/);
    // Its whole Redis line, which only those print that use one.
    assert.match(second.line('redis-cli'), /redis-cli keys/);
    const events = await outputOf(t, first.line(`curl -s '${urlIn(first)}/v1/log_event`));
    assert.match(events, /"success":\s*true/);
  });

  it('says how to get a Redis where none answers', async (t) => {
    const run = runLocally(t, `http redis ${PORTS}`, { env: { REDIS_URL: 'redis://127.0.0.1:9' } });
    await run.printed(LAST_LINE);
    assert.match(run.output, /^No Redis answers: the proxy runs without/m);
  });

  it('is not ready where the real origin cannot be reached', async (t) => {
    const env = { STATSIG_ENDPOINT: 'http://127.0.0.1:9' };
    const run = runLocally(t, `--live http disabled ${PORTS}`, { env });
    await run.printed(LAST_LINE);
    const before = run.output.slice(0, run.output.indexOf(LAST_LINE));
    assert.doesNotMatch(before, /ready/);
    assert.match(
      before,
      /The proxy runs on .* but http:\/\/127\.0\.0\.1:9\/ cannot be reached from here: .*ECONNREFUSED/,
    );
  });

  it('is ready where a real origin answers, whatever it answers', async (t) => {
    const origin = await startFakeOrigin();
    t.after(() => origin.close());
    const run = runLocally(t, `--live http disabled ${PORTS} --statsig-endpoint ${origin.url}`);
    await run.printed(LAST_LINE);
    assert.match(run.output, new RegExp(`The proxy is ready on .*, in front of ${origin.url}/\\.`));
    assert.match(run.line('curl -si'), /<YOUR SDK KEY>/);
  });

  it('says which port is taken, and ends', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const run = runLocally(t, `http disabled --http-port ${port} --admin-port 0`);
    assert.equal(await run.exitStatus(), 1);
    assert.match(run.output, new RegExp(`^run_locally.sh: port ${port} is taken by another process`, 'm'));
  });

  it('ends with the status of a proxy that refuses its options', async (t) => {
    const run = runLocally(t, 'http nowhere');
    assert.equal(await run.exitStatus(), 2);
    assert.match(run.output, /wrong options[^]*run_locally\.sh: the proxy ended before it was ready/);
  });
});

function urlIn(run: LocalRun): string {
  return /http:\/\/[\d.]+:\d+/.exec(run.line('The proxy '))?.[0] ?? '';
}

function statusLine(run: LocalRun): string {
  const line = run.output.split('\n').find((each) => each.endsWith('/status'));
  assert.ok(line !== undefined, run.output);
  return line;
}

/** The process among those it started that runs dist/main.js. */
function proxyOf(run: LocalRun): number {
  const isProxy = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('dist/main.js');
  const pid = run.descendants().find(isProxy);
  assert.ok(pid !== undefined, run.output);
  return pid;
}
