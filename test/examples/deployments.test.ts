// The examples for compose, systemd, ECS and Kubernetes: the proxy takes what they type, and their parts fit each other and Dockerfile.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { MANIFESTS } from '../../scripts/chart/render.js';
import type { Config } from '../../src/config/load-config.js';
import { podOf, type KubernetesObject } from '../chart/kubernetes-objects.js';
import { loadLine } from '../config/loading.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { imageMallocVariables } from '../process/image.js';

const COMPOSE = 'examples/compose/compose.yaml';
const UNIT = 'examples/systemd/spec-forward-proxy.service';
/** What a stop takes besides the delay. */
const STOP_S = 20;

function configOf(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  hostName = 'container',
): Config {
  const loaded = loadLine(args, { env, hostName, nowMs: Date.now() });
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  assert.deepEqual(loaded.notices, []);
  return loaded.config;
}

function lacks(program: string): string | false {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0 && `there is no ${program}`;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
}

interface Service {
  readonly hostname?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
}

describe('the compose file', () => {
  const { services, volumes } = parse(readFileSync(COMPOSE, 'utf8'), {
    strict: true,
    merge: true,
    logLevel: 'error',
  }) as Compose;
  const replicas = Object.entries(services).filter(([name]) => name.startsWith('proxy-'));

  it('starts two replicas that share a Redis, each with a folder of its own', () => {
    assert.deepEqual(Object.keys(services), [
      'redis',
      'proxy-1',
      'proxy-2',
      'balancer',
      'prometheus',
      'grafana',
    ]);
    for (const [
      name,
      { command = [], environment = {}, hostname, stop_grace_period: grace, ...service },
    ] of replicas) {
      // What compose puts in where the variable is not set.
      const env = Object.entries(environment).map(([key, value]) => [
        key,
        value.replace(/\$\{\w+:-(.*)\}/, '$1'),
      ]);
      const config = configOf(command, Object.fromEntries(env) as Record<string, string>, hostname);
      assert.equal(config.instanceName, name);
      assert.deepEqual(config.redis?.address, { kind: 'standalone', host: 'redis', port: 6379 });
      // Where the image has a folder that its user may write to.
      assert.deepEqual(service.volumes, [`${name}:/data`]);
      assert.equal(config.specDir, '/data');
      assert.ok(Number.parseInt(grace ?? '', 10) * 1000 > config.shutdownDelayS * 1000);
    }
    assert.deepEqual(
      replicas.map(([name]) => name),
      Object.keys(volumes),
    );
  });

  it('opens ports to this machine only, no two of them the same', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    assert.equal(new Set(ports.map((port) => port.split(':')[1])).size, 4);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
  });

  it('mounts files that are there', () => {
    const mounted = Object.values(services)
      .flatMap((service) => service.volumes ?? [])
      .filter((volume) => volume.startsWith('.'));
    assert.equal(mounted.length, 6);
    for (const volume of mounted) {
      assert.match(volume, /:ro$/);
      assert.ok(existsSync(join(dirname(COMPOSE), volume.split(':')[0] ?? '')), volume);
    }
  });

  it('has Prometheus scrape the admin port of both, as the job that the alerts are about', () => {
    const { rule_files: rules, scrape_configs: jobs } = parse(
      readFileSync('examples/compose/prometheus.yaml', 'utf8'),
    ) as {
      readonly rule_files: readonly string[];
      readonly scrape_configs: readonly {
        readonly job_name: string;
        readonly static_configs: readonly { readonly targets: readonly string[] }[];
      }[];
    };
    assert.deepEqual(
      jobs.map(({ job_name: name, static_configs: found }) => [
        name,
        found.flatMap(({ targets }) => targets),
      ]),
      [['spec-forward-proxy', replicas.map(([name]) => `${name}:8001`)]],
    );
    const mounts = services['prometheus']?.volumes?.map((volume) => volume.split(':')[1]);
    assert.deepEqual(mounts?.slice(1), rules);
    assert.match(readFileSync('deploy/prometheus/rules.yaml', 'utf8'), /job="spec-forward-proxy"/);
    assert.equal(replicas[0]?.[1].environment?.['SFP_ADMIN_HOST'], '0.0.0.0');
  });

  it('is understood by promtool, but for where its rules are', { skip: lacks('promtool') }, () => {
    const file = join(makeTemporaryFolder('prometheus'), 'prometheus.yaml');
    const text = readFileSync('examples/compose/prometheus.yaml', 'utf8');
    writeFileSync(file, text.replace('/etc/prometheus/', `${process.cwd()}/deploy/prometheus/`));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', file], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /rules\.yaml[\s\S]*SUCCESS/);
  });
});

describe('the unit of systemd', () => {
  const unit = readFileSync(UNIT, 'utf8');
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? assert.fail(key);

  it('starts the proxy as the image does, with its data where systemd makes a folder for it', () => {
    const [node, ...words] = value('ExecStart').split(' ');
    assert.equal(node, '/usr/bin/node');
    const main = words.indexOf('/opt/spec-forward-proxy/dist/main.js');
    const entryPoint = /^ENTRYPOINT (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '';
    const [, ...image] = JSON.parse(entryPoint) as string[];
    assert.deepEqual(words.slice(0, main), image.slice(0, -1));
    const variables = Object.entries(imageMallocVariables()).map(([name, each]) => `${name}=${each}`);
    assert.ok(unit.includes(`\nEnvironment=${variables.join(' ')}\n`));
    assert.equal(variables.length, 2);
    const config = configOf(words.slice(main + 1), {});
    assert.equal(config.specDir, `/var/lib/${value('StateDirectory')}`);
    const stopS = Number.parseInt(value('TimeoutStopSec'), 10);
    assert.ok(stopS * 1000 > (config.shutdownDelayS + STOP_S) * 1000);
  });

  it('is understood by systemd, and is hardly exposed', { skip: lacks('systemd-analyze') }, () => {
    const file = join(makeTemporaryFolder('unit'), 'spec-forward-proxy.service');
    // Programs that are not there are faults, too.
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    assert.deepEqual([verified.status, verified.stdout + verified.stderr], [0, '']);
    const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', file], {
      encoding: 'utf8',
    });
    assert.equal(rated.status, 0, rated.stdout + rated.stderr);
  });
});

interface TaskDefinition {
  readonly family: string;
  readonly cpu: string;
  readonly memory: string;
  readonly volumes: readonly { readonly name: string }[];
  readonly containerDefinitions: readonly TaskContainer[];
}

interface TaskContainer {
  readonly command: readonly string[];
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly secrets: readonly { readonly name: string; readonly valueFrom: string }[];
  readonly portMappings: readonly { readonly name: string; readonly containerPort: number }[];
  readonly healthCheck: { readonly command: readonly string[] } & Readonly<Record<string, unknown>>;
  readonly stopTimeout: number;
  readonly user: string;
  readonly mountPoints: readonly { readonly sourceVolume: string; readonly containerPath: string }[];
}

/** What RegisterTaskDefinition takes, as far as Fargate knows it. */
const TASK_KEYS =
  'family requiresCompatibilities networkMode cpu memory runtimePlatform executionRoleArn taskRoleArn volumes containerDefinitions';
const CONTAINER_KEYS =
  'name image essential command environment secrets portMappings healthCheck stopTimeout user readonlyRootFilesystem linuxParameters ulimits mountPoints logConfiguration';

describe('the task definition of ECS', () => {
  const task = JSON.parse(readFileSync('examples/ecs/task-definition.json', 'utf8')) as TaskDefinition;
  const [container, ...others] = task.containerDefinitions;
  assert.ok(container !== undefined && others.length === 0);

  it('has the keys that ECS knows, and sizes that Fargate has', () => {
    for (const [object, known] of [
      [task, TASK_KEYS],
      [container, CONTAINER_KEYS],
    ] as const)
      for (const key of Object.keys(object)) assert.ok(known.split(' ').includes(key), key);
    // 1 vCPU goes with 2 to 8 GB.
    assert.equal(task.cpu, '1024');
    assert.ok(['2048', '3072', '4096'].includes(task.memory));
    for (const { valueFrom } of container.secrets) assert.match(valueFrom, /^arn:aws:secretsmanager:/);
    // 120 s is the most on Fargate.
    assert.ok(container.stopTimeout <= 120);
  });

  it('types what the proxy takes, opens the ports that it listens on, and lets it stop', () => {
    const values = container.environment.map(({ name, value }) => [name, value]);
    const secrets = container.secrets.map(({ name }) => [
      name,
      name === 'SFP_SDK_KEYS' ? 'secret-0123456789' : 'x',
    ]);
    const config = configOf(
      container.command,
      Object.fromEntries([...values, ...secrets]) as Record<string, string>,
    );
    assert.deepEqual(
      container.portMappings.map(({ containerPort }) => containerPort),
      [config.httpPort, config.grpcPort],
    );
    assert.deepEqual(
      container.mountPoints.map(({ sourceVolume, containerPath }) => [sourceVolume, containerPath]),
      task.volumes.map(({ name }) => [name, config.specDir]),
    );
    assert.ok(container.stopTimeout * 1000 > (config.shutdownDelayS + STOP_S) * 1000);
    assert.ok(config.redis?.hasTls === true && config.pinnedSdkKeys.size === 1);
    const healthCheck = /HEALTHCHECK .*CMD (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '';
    assert.deepEqual(container.healthCheck.command, ['CMD', ...(JSON.parse(healthCheck) as string[])]);
    assert.equal(container.user, /^USER (\d+)/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1]);
  });
});

test('the manifests for Kubernetes type what the proxy takes, and have nothing of Helm', () => {
  const text = readFileSync(MANIFESTS, 'utf8');
  assert.doesNotMatch(text, /helm/i);
  const objects = parseAllDocuments(text, { strict: true }).map(
    (document) => document.toJS() as KubernetesObject,
  );
  assert.deepEqual(objects.map(({ kind }) => kind).sort(), [
    'Deployment',
    'PodDisruptionBudget',
    'Service',
    'Service',
    'ServiceAccount',
  ]);
  const { args, env, ports } = podOf(objects).container;
  const config = configOf(args, Object.fromEntries(env.map(({ name, value = '' }) => [name, value])));
  assert.deepEqual(config.redis?.address, { kind: 'standalone', host: 'redis', port: 6379 });
  assert.deepEqual(
    ports.map(({ containerPort }) => containerPort),
    [config.httpPort, config.grpcPort, config.adminPort],
  );
});
