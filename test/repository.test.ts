// The files that other programs read: CI, dependabot and compose, held to what they promise and to what the proxy takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readCommandLine } from '../src/cli/read-command-line.js';
import { loadConfig, type Config } from '../src/config/load-config.js';

const ROOT = new URL('..', import.meta.url);

function readText(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** A file without doubled keys, unknown anchors or other faults that YAML parsers warn of. */
function readYaml(path: string): unknown {
  return parse(readText(path), { strict: true, merge: true, logLevel: 'error' });
}

interface Workflow {
  readonly permissions: unknown;
  readonly concurrency: { readonly group: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly strategy: { readonly matrix: { readonly node: readonly string[] } };
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}

test('CI runs the command of the README on each Node that is promised, with as few rights as there are', () => {
  const workflow = readYaml('.github/workflows/ci.yml') as Workflow;
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  assert.match(workflow.concurrency.group, /github\.ref/);
  const jobs = Object.values(workflow.jobs);
  assert.equal(jobs.length, 1);
  for (const { strategy, steps } of jobs) {
    const { engines } = JSON.parse(readText('package.json')) as {
      readonly engines: { readonly node: string };
    };
    assert.deepEqual(strategy.matrix.node, [engines.node.replace('>=', ''), '22', '24']);
    assert.deepEqual(
      steps.flatMap(({ run }) => run ?? []),
      ['./scripts/test.sh'],
    );
    // A tag can be moved to other code; a commit cannot.
    for (const { uses } of steps)
      assert.match(uses ?? 'a/b@0123456789012345678901234567890123456789', /@[\da-f]{40}$/);
  }
  assert.match(readText('README.md'), /^\.\/scripts\/test\.sh$/m);
});

interface Dependabot {
  readonly updates: readonly {
    readonly 'package-ecosystem': string;
    readonly groups: object;
    readonly ignore?: readonly {
      readonly 'dependency-name': string;
      readonly 'update-types': readonly string[];
    }[];
  }[];
}

test('dependabot groups what it updates, and leaves what is pinned for a reason to people', () => {
  const { updates } = readYaml('.github/dependabot.yml') as Dependabot;
  assert.deepEqual(
    updates.map((update) => update['package-ecosystem']),
    ['npm', 'github-actions', 'docker'],
  );
  for (const { groups } of updates) assert.ok(Object.keys(groups).length > 0);
  const { pinned } = JSON.parse(readText('package.json')) as { readonly pinned: object };
  const held = (updates[0]?.ignore ?? []).filter((each) => each['update-types'].length === 3);
  assert.deepEqual(
    held.map((each) => each['dependency-name']),
    Object.keys(pinned).sort(),
  );
});

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
}

interface Service {
  readonly hostname?: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

function configOf({ hostname = 'container', command, environment = {} }: Service): Config {
  const typed = readCommandLine(command, '1.2.3');
  assert.ok(typed.kind === 'run');
  // What compose puts in where the variable is not set.
  const env = Object.entries(environment).map(([name, value]) => [
    name,
    value.replace(/\$\{\w+:-(.*)\}/, '$1'),
  ]);
  const loaded = loadConfig(typed.line, {
    env: Object.fromEntries(env) as Record<string, string>,
    readFile: () => assert.fail('no file is named'),
    hostName: hostname,
    nowMs: Date.now(),
    fallbackDataDir: '/nowhere',
    folderFault: () => undefined,
  });
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  return loaded.config;
}

test('the compose file starts two replicas that share a Redis, and nothing else', () => {
  const { services, volumes } = readYaml('examples/compose/compose.yaml') as Compose;
  const { redis, ...proxies } = services;
  assert.ok(redis !== undefined);
  assert.deepEqual(Object.keys(proxies), ['proxy-1', 'proxy-2']);
  const configs = Object.entries(proxies).map(([name, service]) => {
    const config = configOf(service);
    assert.equal(config.instanceName, name);
    assert.deepEqual(config.redis?.address, { kind: 'standalone', host: 'redis', port: 6379 });
    // Where the image has a folder that its user may write to.
    assert.match(service.volumes?.join() ?? '', /^[\w-]+:\/data$/);
    assert.equal(config.specDir, '/data');
    return config;
  });
  assert.equal(configs.length, 2);
  const all = (pick: (service: Service) => readonly string[] | undefined): string[] =>
    Object.values(proxies).flatMap((service) => pick(service) ?? []);
  assert.deepEqual(
    all((service) => service.volumes).map((volume) => volume.split(':')[0]),
    Object.keys(volumes),
  );
  const ports = all((service) => service.ports);
  assert.equal(new Set(ports.map((port) => port.split(':')[1])).size, 4);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:(?:8000|50051)$/);
});
