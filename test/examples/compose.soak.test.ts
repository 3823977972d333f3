// The compose example as it is typed, where there is an engine: it pulls and builds images, and so runs with the long tests only.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { lengthOf } from '../fakes/length.js';

const MINUTES_MS = 600_000;
const PROJECT = ['compose', '--project-name', `sfp-test-${process.pid}`];

function docker(...args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

function compose(...args: readonly string[]): string {
  return docker(...PROJECT, '--file', 'examples/compose/compose.yaml', ...args);
}

function hasEngine(): boolean {
  return [['info'], ['compose', 'version']].every((args) => spawnSync('docker', args).status === 0);
}

const skip = lengthOf({
  suite: 'it pulls and builds images: `npm run soak` runs it, where docker and its compose are',
  soak: hasEngine() ? '' : 'there is no engine: docker info, or docker compose, fails',
});

interface Series {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

test(
  'the compose example starts, is watched, and goes on with one replica',
  { skip: skip === '' ? false : skip },
  async (t) => {
    t.after(() => compose('down', '--volumes', '--timeout', '30'));
    compose('up', '--build', '--detach', '--wait', '--wait-timeout', '600');
    const isReady = async (): Promise<boolean> =>
      (await fetch('http://127.0.0.1:8000/v1/ready').catch(() => undefined))?.status === 200;
    await eventually('ready replica behind the balancer', isReady, MINUTES_MS);
    const query = 'http://127.0.0.1:9090/api/v1/query?query=up%7Bjob%3D%22spec-forward-proxy%22%7D%3D%3D1';
    await eventually(
      'scrape of both replicas',
      async () => ((await (await fetch(query)).json()) as Series).data.result.length === 2,
      MINUTES_MS,
    );
    await eventually(
      'board',
      async () => {
        const answer = await fetch('http://127.0.0.1:3000/api/dashboards/uid/spec-forward-proxy').catch(
          () => undefined,
        );
        return answer?.status === 200;
      },
      MINUTES_MS,
    );
    compose('kill', 'proxy-1');
    for (let count = 0; count < 10; count += 1) assert.ok(await isReady());
  },
);
