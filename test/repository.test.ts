// The files that other programs read: CI and dependabot, held to what they promise.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';

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
  readonly steps: readonly { readonly run?: string }[];
}

test('CI runs the command of the README on each Node that is promised, with as few rights as there are', () => {
  const workflow = readYaml('.github/workflows/ci.yml') as Workflow;
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  assert.match(workflow.concurrency.group, /github\.ref/);
  const { strategy, steps } = workflow.jobs['test'] ?? assert.fail('no job of the tests');
  const { engines } = JSON.parse(readText('package.json')) as {
    readonly engines: { readonly node: string };
  };
  assert.deepEqual(strategy.matrix.node, [engines.node.replace('>=', ''), '22', '24']);
  assert.deepEqual(
    steps.flatMap(({ run }) => run ?? []),
    ['./scripts/test.sh'],
  );
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
