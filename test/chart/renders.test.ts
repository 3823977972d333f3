// What the chart renders, held to what the proxy takes and opens and to what Kubernetes asks of objects that belong together.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { chartText, chartValues } from '../../scripts/chart-text.js';
import { CHART, GOLDEN, VALUES, valuesNames } from '../../scripts/chart/render.js';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig, type Config } from '../../src/config/load-config.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import {
  podOf,
  type Container,
  type KubernetesObject,
  type Probe,
  type Service,
} from './kubernetes-objects.js';

let authority: TestAuthority;
let server: Issued;
before(() => {
  authority = new TestAuthority();
  server = authority.issue('server');
});
after(() => {
  authority.close();
});

function objectsOf(name: string): readonly KubernetesObject[] {
  return parseAllDocuments(readFileSync(`${GOLDEN}/${name}.yaml`, 'utf8'), { strict: true }).map(
    (document) => {
      assert.deepEqual([...document.errors, ...document.warnings], [], name);
      return document.toJS() as KubernetesObject;
    },
  );
}

function textOfFile(path: string): string {
  if (/tls\.crt$/.test(path)) return server.cert;
  if (/tls\.key$/.test(path)) return server.key;
  if (/\/redis\/(?:secret|password)$/.test(path)) return 'a password';
  if (/ca|authorities/.test(path)) return authority.ca;
  if (/tokens/.test(path)) return `grafana ${'0'.repeat(64)} sfp::read`;
  if (/sdk-keys/.test(path)) return 'checkout=secret-0123456789';
  if (/data-keys/.test(path)) return '0f'.repeat(32);
  return assert.fail(`${path} is not expected`);
}

/** The configuration of a container, as the proxy reads its command line and its variables. */
function configOf({ args, env }: Container): Config {
  const typed = readCommandLine(args, '1.2.3');
  assert.ok(typed.kind === 'run');
  const values = env.map(({ name, value }) => [name, value] as const);
  const loaded = loadConfig(typed.line, {
    env: Object.fromEntries(values),
    readFile: textOfFile,
    hostName: 'pod',
    nowMs: Date.now(),
    fallbackDataDir: '/nowhere',
    folderFault: () => undefined,
  });
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  return loaded.config;
}

/** The numbers of the ports that the proxy opens with this configuration. */
function openPorts(config: Config): readonly number[] {
  const isPlain = config.tls?.plainToo ?? true;
  const isHttp = config.mode !== 'grpc';
  const isGrpc = config.mode !== 'http';
  return [
    ...(isHttp && isPlain ? [config.httpPort] : []),
    ...(isGrpc && isPlain ? [config.grpcPort] : []),
    ...(isHttp && config.tls !== undefined ? [config.httpsPort] : []),
    ...(isGrpc && config.tls !== undefined ? [config.grpcTlsPort] : []),
    config.adminPort,
  ];
}

function probesOf(container: Container): readonly Probe[] {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  return [livenessProbe, readinessProbe, startupProbe].filter((probe) => probe !== undefined);
}

for (const name of valuesNames()) {
  describe(`${name}.yaml`, () => {
    const objects = objectsOf(name);
    const { workload, pod, container } = podOf(objects);
    const services = objects.filter((object): object is Service => object.kind === 'Service');

    it('gives the proxy a command line and variables that it takes, and names just the ports it opens', () => {
      const config = configOf(container);
      assert.deepEqual(
        container.ports.map(({ containerPort }) => containerPort).sort(),
        [...openPorts(config)].sort(),
      );
      assert.equal(config.dataDir, '/data');
      assert.ok(config.shutdownDelayS + 10 < pod.spec.terminationGracePeriodSeconds, 'the stop fits');
    });

    it('asks in every probe for one handler, on a port of the container', () => {
      for (const probe of probesOf(container)) {
        const handlers = ['httpGet', 'exec', 'grpc', 'tcpSocket'].filter((kind) => kind in probe);
        assert.equal(handlers.length, 1);
        if (probe.httpGet === undefined) continue;
        const port = container.ports.find((each) => each.name === probe.httpGet?.port);
        assert.equal(port?.containerPort, configOf(container).adminPort);
      }
    });

    it('runs without rights', () => {
      const { runAsNonRoot, seccompProfile } = pod.spec.securityContext;
      assert.deepEqual([runAsNonRoot, seccompProfile.type], [true, 'RuntimeDefault']);
      const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext;
      assert.deepEqual(
        [allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities.drop],
        [false, true, ['ALL']],
      );
      assert.equal('fsGroup' in container.securityContext, false);
    });

    it('names each variable once, and mounts just the volumes that there are', () => {
      const names = container.env.map((variable) => variable.name.toUpperCase());
      assert.equal(new Set(names).size, names.length, names.join());
      const claims = (workload.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
      const volumes = [...(pod.spec.volumes ?? []).map((volume) => volume.name), ...claims];
      assert.deepEqual(container.volumeMounts.map((mount) => mount.name).sort(), volumes.sort());
    });

    it('leads every Service, route and Ingress to what is there', () => {
      const labels = Object.entries(pod.metadata.labels);
      for (const { spec } of [...services, { spec: { selector: workload.spec.selector.matchLabels } }]) {
        for (const [key, value] of Object.entries(spec.selector))
          assert.ok(
            labels.some((label) => label[0] === key && label[1] === value),
            key,
          );
      }
      for (const { metadata, spec } of services) {
        for (const { targetPort } of spec.ports) {
          const found = container.ports.some((port) => [port.name, port.containerPort].includes(targetPort));
          assert.ok(found, `${targetPort} of ${metadata.name}`);
        }
      }
      const text = JSON.stringify(objects.filter(({ kind }) => /Route$|^Ingress$/.test(kind)));
      const asked = [...text.matchAll(/"port":\{?(?:"name":|"number":)?"?([\w-]+)/g)].map(([, port]) => port);
      const there = services[0] && services.find(({ spec }) => !('clusterIP' in spec))?.spec.ports;
      for (const port of asked)
        assert.ok(
          there?.some((each) => [each.name, String(each.port)].includes(port ?? '')),
          port,
        );
    });
  });
}

test('chart/README.md is what the comments in values.yaml make of it, and each value has one', () => {
  assert.equal(readFileSync(`${CHART}/README.md`, 'utf8'), chartText(), 'run `npm run docs`');
  assert.ok(chartValues().length > 100);
});

test('the chart has the rules and the boards of deploy', () => {
  const copies = [
    ['files/rules.yaml', 'deploy/prometheus/rules.yaml'],
    ['files/dashboard.json', 'deploy/grafana/spec-forward-proxy.json'],
    ['files/dashboard-statsd.json', 'deploy/grafana/spec-forward-proxy-statsd.json'],
  ] as const;
  for (const [copy, original] of copies)
    assert.equal(
      readFileSync(`${CHART}/${copy}`, 'utf8'),
      readFileSync(original, 'utf8'),
      'run `npm run docs`',
    );
});

test('the chart installs the version of package.json', () => {
  const { appVersion } = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as {
    readonly appVersion: string;
  };
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  assert.equal(appVersion, version);
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

/** Paths of the values that a schema knows, as deep as it closes its objects. */
function pathsIn(schema: Schema, prefix = ''): string[] {
  if (schema.additionalProperties !== false || schema.properties === undefined) return [prefix];
  return Object.entries(schema.properties).flatMap(([key, value]) =>
    pathsIn(value, prefix === '' ? key : `${prefix}.${key}`),
  );
}

test('the schema knows every value of the chart, and no other', () => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;
  const known = pathsIn(schema).filter((path) => path !== 'global');
  const values = chartValues().map(({ path }) => path);
  const isUnder = (path: string, other: string): boolean => path === other || path.startsWith(`${other}.`);
  assert.deepEqual(
    known.filter((path) => !values.some((value) => isUnder(path, value))),
    [],
  );
  assert.deepEqual(
    values.filter((value) => !known.some((path) => isUnder(path, value))),
    [],
  );
});

test('every values file of the tests has its render, and the other way round', () => {
  assert.ok(valuesNames().length >= 8);
  for (const name of valuesNames()) assert.ok(readFileSync(`${VALUES}/${name}.yaml`, 'utf8').length > 0);
});
