// What makes images and releases: its syntax, its rights, the order of its steps, and that it fits the Dockerfile and the chart.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { parse } from 'yaml';
import { ACTIONLINT, goToolPath, whyNoGoTool } from '../scripts/go-tools.js';
import { ARCHITECTURES, VARIANTS } from '../scripts/image-tags/tags.js';

const FOLDER = '.github/workflows';

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> };
  readonly outputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: {
    readonly push?: { readonly branches: readonly string[]; readonly tags: readonly string[] };
    readonly schedule?: readonly { readonly cron: string }[];
    readonly workflow_call?: null;
  };
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

function readWorkflow(name: string): Workflow {
  return parse(readFileSync(`${FOLDER}/${name}`, 'utf8'), { strict: true }) as Workflow;
}

const release = readWorkflow('release.yml');

function jobOf(name: string): Job {
  return release.jobs[name] ?? assert.fail(`no job ${name}`);
}

function runsOf(name: string): string {
  return (jobOf(name).steps ?? []).map(({ run }) => run ?? '').join('\n');
}

describe('actionlint', { skip: whyNoGoTool(ACTIONLINT, process.env) }, () => {
  // Without programs that other machines may not have, or in another version.
  const lint = (...args: readonly string[]) =>
    spawnSync(goToolPath(ACTIONLINT, process.env) ?? '', ['-shellcheck=', '-pyflakes=', ...args], {
      encoding: 'utf8',
      input:
        'on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ needs.b.outputs.c }}\n',
    });

  it('has nothing to say of the workflows', () => {
    const { status, stdout, stderr } = lint();
    assert.deepEqual([status, stderr], [0, ''], stdout);
  });

  it('would say what is wrong', () => {
    const { status, stdout } = lint('-');
    assert.equal(status, 1, stdout);
    assert.match(stdout, /property "b" is not defined/);
  });
});

test('every workflow starts with the right to read, and takes actions by their commit', () => {
  const names = readdirSync(FOLDER);
  assert.deepEqual(names, ['ci.yml', 'release.yml']);
  for (const { permissions, jobs } of names.map(readWorkflow)) {
    assert.deepEqual(permissions, { contents: 'read' });
    const used = Object.values(jobs).flatMap((job) => (job.steps ?? []).flatMap(({ uses }) => uses ?? []));
    assert.ok(used.length > 0);
    // A tag can be moved to other code; a commit cannot.
    for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@[\da-f]{40}$/);
  }
});

test('what is typed by others gets into no command of the release', () => {
  for (const [name, { steps = [] }] of Object.entries(release.jobs))
    for (const { run = '' } of steps) assert.ok(!run.includes('${{'), `${name}: ${run}`);
});

test('a release is made of what comes to main, of main at midnight, and of tags of versions', () => {
  assert.deepEqual(release.on, {
    push: { branches: ['main'], tags: ['v[0-9]+.[0-9]+.[0-9]+'] },
    schedule: [{ cron: '0 0 * * *' }],
  });
});

test('no image gets a tag before the tests and the look for vulnerabilities are over', () => {
  assert.equal(jobOf('test').uses, './.github/workflows/ci.yml');
  assert.ok('workflow_call' in readWorkflow('ci.yml').on);
  assert.deepEqual(jobOf('publish').needs, ['test', 'plan', 'build']);
  assert.deepEqual(jobOf('release').needs, ['plan', 'publish']);
  assert.match(runsOf('build'), /push-by-digest=true/);
  assert.ok(!runsOf('build').includes('--tag'));
  assert.match(jobOf('build').steps?.at(-1)?.uses ?? '', /^anchore\/scan-action@/);
});

test('each image that is built is published: of every architecture and variant', () => {
  const { strategy, outputs = {} } = jobOf('build');
  assert.deepEqual(strategy?.matrix, { architecture: ARCHITECTURES, variant: VARIANTS });
  assert.deepEqual(jobOf('publish').strategy?.matrix, { variant: VARIANTS });
  assert.deepEqual(
    Object.keys(outputs).sort(),
    VARIANTS.flatMap((variant) => ARCHITECTURES.map((architecture) => `${variant}-${architecture}`)).sort(),
  );
  for (const architecture of ARCHITECTURES)
    assert.match(runsOf('publish'), new RegExp(`^ *publish ${architecture} "\\$IMAGE@`, 'm'));
});

test('the bases are the one of the Dockerfile and the one that it names', () => {
  const [, ...bases] = /&& '(\S+)' \|\| '(\S+)'/.exec(jobOf('build').env?.['BASE'] ?? '') ?? [];
  const dockerfile = readFileSync('Dockerfile', 'utf8');
  assert.deepEqual(bases.reverse(), [
    /^ARG BASE=(.*)$/m.exec(dockerfile)?.[1],
    /--build-arg BASE=([^`]*)`/.exec(dockerfile)?.[1],
  ]);
});

test('only what needs it may write packages, contents or attestations', () => {
  const rights = Object.entries(release.jobs).map(([name, job]) => {
    const written = Object.entries(job.permissions ?? {}).filter(([, access]) => access === 'write');
    return [name, written.map(([what]) => what)] as const;
  });
  assert.deepEqual(Object.fromEntries(rights), {
    test: [],
    plan: [],
    build: ['packages'],
    publish: ['packages', 'id-token', 'attestations', 'artifact-metadata'],
    release: ['contents', 'packages'],
  });
});

test('the chart that is published names the image that is', () => {
  const [, pattern = '', replacement = ''] =
    /sed --in-place "s\|(.*?)\|(.*?)\|"/.exec(runsOf('release')) ?? [];
  const values = readFileSync('chart/values.yaml', 'utf8');
  assert.equal(values.match(new RegExp(pattern, 'gm'))?.length, 1);
  const changed = values.replace(
    new RegExp(pattern, 'm'),
    replacement.replace('$IMAGE', 'ghcr.io/owner/spec-forward-proxy'),
  );
  const { image } = parse(changed) as {
    readonly image: { readonly repository: string; readonly tag: string };
  };
  assert.deepEqual([image.repository, image.tag], ['ghcr.io/owner/spec-forward-proxy', '']);
});
