// Boards and alerts of deploy: as they are generated, about metrics that exist, right to promtool, and alerts fire when they should.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  datadogBoard,
  grafanaBoard,
  PROMETHEUS_PANELS,
  SFP_PANELS,
  STATSD_PANELS,
  statsdBoard,
} from '../../scripts/boards.js';
import { catalogue, type CatalogueRow } from '../../src/observability/catalogue.js';
import { instruments } from '../../src/observability/instruments.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const DEPLOY = new URL('../../deploy/', import.meta.url);
const ROOT = new URL('../../', import.meta.url);
const RULES = new URL('prometheus/rules.yaml', DEPLOY);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook: string };
}

function rules(): readonly Rule[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

function promtool(args: readonly string[], folder: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return status === 0 ? '' : stdout + stderr;
}

function forPrometheus(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$job', 'x')
    .replaceAll('$instance', '.*')
    .replaceAll('$pod_name', '.*');
}

test('boards are what the lists of panels make of them', () => {
  assert.equal(readFileSync(new URL('grafana/spec-forward-proxy.json', DEPLOY), 'utf8'), grafanaBoard());
  assert.equal(
    readFileSync(new URL('grafana/spec-forward-proxy-statsd.json', DEPLOY), 'utf8'),
    statsdBoard(),
  );
  assert.equal(readFileSync(new URL('datadog/spec-forward-proxy.json', DEPLOY), 'utf8'), datadogBoard());
});

test('boards and alerts ask for metrics that exist', () => {
  const names = new Set(
    instruments.flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
  const asked = [...PROMETHEUS_PANELS.flatMap(({ queries }) => queries), ...rules()].flatMap(
    ({ expr }) => expr.match(/\bsfp_\w+/g) ?? [],
  );
  assert.ok(asked.length > 30);
  for (const name of asked) assert.ok(names.has(name), name);
});

test('boards with the names of SFP ask for events, by tags that these have', () => {
  const rows: readonly (readonly [string, CatalogueRow])[] = Object.entries(catalogue);
  const sfp = new Map(
    rows.map(([name, row]) => [`${name}.${row.sfp?.operation ?? ''}`, row.sfp?.tags ?? []]),
  );
  const queries = SFP_PANELS.flatMap((panel) => panel.queries);
  for (const { event, by } of queries) {
    const tags: readonly string[] | undefined = sfp.get(event);
    assert.ok(tags !== undefined, event);
    for (const tag of by) assert.ok(tag === 'pod_name' || tags.includes(tag), `${event}: ${tag}`);
  }
  const [datadog, statsd] = [datadogBoard(), statsdBoard()];
  for (const { event } of queries) {
    assert.ok(datadog.includes(`statsig.forward_proxy.${event}{`), event);
    assert.ok(statsd.includes(`statsig_forward_proxy_${event.replace('.', '_')}`), event);
  }
});

test('promtool takes every query of the boards', () => {
  const folder = makeTemporaryFolder('boards');
  const queries = [...PROMETHEUS_PANELS, ...STATSD_PANELS].flatMap(({ queries: of }) => of);
  const recording = queries.map(({ expr }, at) => ({ record: `query:${at}`, expr: forPrometheus(expr) }));
  writeFileSync(
    join(folder, 'board.yaml'),
    JSON.stringify({ groups: [{ name: 'board', rules: recording }] }),
  );
  assert.equal(promtool(['check', 'rules', 'board.yaml'], folder), '');
});

test('promtool takes the alerts, and each fires in its fault and in no calm hour', () => {
  const folder = new URL('prometheus/', DEPLOY).pathname;
  assert.equal(promtool(['check', 'rules', 'rules.yaml'], folder), '');
  assert.equal(promtool(['test', 'rules', 'rules.test.yaml'], folder), '');
  const tested = readFileSync(new URL('prometheus/rules.test.yaml', DEPLOY), 'utf8');
  for (const { alert } of rules()) assert.match(tested, new RegExp(`alertname="${alert}"`));
});

test('the calm hour has every metric that an alert asks for, so that none is calm for want of it', () => {
  const { tests } = parse(readFileSync(new URL('prometheus/rules.test.yaml', DEPLOY), 'utf8')) as {
    readonly tests: readonly {
      readonly name: string;
      readonly input_series: readonly { readonly series: string }[];
    }[];
  };
  const calm = tests.find(({ name }) => name === 'a calm hour');
  const given = new Set(calm?.input_series.map(({ series }) => series.split('{')[0]));
  for (const { alert, expr } of rules()) {
    const asked = expr.match(/\b(?:sfp_|nodejs_)\w+|\bup\b/g) ?? [];
    assert.ok(asked.length > 0, alert);
    for (const name of asked) assert.ok(given.has(name), `${alert}: ${name}`);
  }
});

test('each alert leads to a place in the docs', () => {
  for (const { alert, annotations } of rules()) {
    const [path = '', anchor = ''] = annotations.runbook.split('#');
    const headings = readFileSync(new URL(path, ROOT), 'utf8').match(/(?<=^#+ ).*$/gm) ?? [];
    const anchors = headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    assert.ok(anchors.includes(anchor), `${alert}: ${annotations.runbook}`);
  }
});
