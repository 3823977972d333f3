// Tags of images: the order of their digits, which of them move, and the command that prints them, in a repository of its own.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { imageTags, VARIANTS, type Commit, type Occasion } from '../../scripts/image-tags/tags.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const COMMIT: Commit = {
  sha: '1ffdf554b54b00000000000000000000000000ff',
  committedMs: Date.UTC(2024, 3, 5, 23, 9, 7),
};

function allTags(occasion: Occasion): readonly string[] {
  return imageTags(COMMIT, occasion, 'slim').all;
}

describe('the tags of an image', () => {
  it('are `latest` and the moment of the commit, for what comes to main', () => {
    const tags = imageTags(COMMIT, { kind: 'main', isNewest: true }, 'slim');
    assert.deepEqual(tags, {
      version: '240405230907-1ffdf554b54b',
      all: ['latest', '240405230907-1ffdf554b54b'],
      single: { amd64: [], arm64: [] },
    });
  });

  it('leave `latest` where it is when a newer commit is there already', () => {
    assert.deepEqual(allTags({ kind: 'main', isNewest: false }), ['240405230907-1ffdf554b54b']);
  });

  it('are the day at whose start the branch was cut, as in the example of SFP', () => {
    for (const nowMs of [Date.UTC(2024, 3, 4), Date.UTC(2024, 3, 4, 0, 59, 59)])
      assert.deepEqual(allTags({ kind: 'nightly', nowMs }), ['240404-1ffdf554b54b']);
    const order = allTags({ kind: 'nightly', nowMs: Date.UTC(2031, 1, 9) });
    assert.deepEqual(order, ['310209-1ffdf554b54b']);
  });

  it('are `stable` and the version for a release, and one for each architecture', () => {
    const release = { kind: 'release', version: '1.10.0', released: ['1.9.3', '1.10.0', '0.11.12'] } as const;
    assert.deepEqual(imageTags(COMMIT, release, 'slim'), {
      version: '1.10.0',
      all: ['stable', 'stable-1.10.0'],
      single: { amd64: ['stable-amd64-1.10.0'], arm64: ['stable-arm64-1.10.0'] },
    });
    assert.deepEqual(imageTags(COMMIT, release, 'distroless'), {
      version: '1.10.0',
      all: ['stable-distroless', 'stable-1.10.0-distroless'],
      single: { amd64: ['stable-amd64-1.10.0-distroless'], arm64: ['stable-arm64-1.10.0-distroless'] },
    });
  });

  it('leave `stable` where it is for a repair of an older release', () => {
    const released = ['1.9.3', '1.9.4', '1.10.0'];
    assert.deepEqual(allTags({ kind: 'release', version: '1.9.4', released }), ['stable-1.9.4']);
  });

  it('are refused for what is no release, or no commit', () => {
    for (const version of ['1.2', '1.2.3-rc.1', 'v1.2.3', '01.2.3', ''])
      assert.throws(() => allTags({ kind: 'release', version, released: [version] }), /is not a release/);
    for (const sha of ['1ffdf554b54b', COMMIT.sha.toUpperCase(), ''])
      assert.throws(
        () => imageTags({ ...COMMIT, sha }, { kind: 'main', isNewest: true }, 'slim'),
        /is not the hash of a commit/,
      );
  });

  it('are what registries take, and name the commit and the variant, whatever comes', () => {
    const version = fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999)).map((parts) => parts.join('.'));
    const ms = fc.integer({ min: Date.UTC(2024), max: Date.UTC(2099) });
    const occasion = fc.oneof(
      fc.record({ kind: fc.constant('main' as const), isNewest: fc.boolean() }),
      fc.record({ kind: fc.constant('nightly' as const), nowMs: ms }),
      version.map((own) => ({ kind: 'release' as const, version: own, released: [own] })),
    );
    const sha = fc.string({
      unit: fc.constantFrom(...'0123456789abcdef'.split('')),
      minLength: 40,
      maxLength: 40,
    });
    fc.assert(
      fc.property(sha, ms, occasion, fc.constantFrom(...VARIANTS), (hash, committedMs, when, variant) => {
        const { all, single } = imageTags({ sha: hash, committedMs }, when, variant);
        const tags = [...all, ...Object.values(single).flat()];
        assert.equal(new Set(tags).size, tags.length);
        for (const tag of tags) {
          assert.match(tag, /^[\w][\w.-]{0,127}$/);
          assert.equal(tag.endsWith('-distroless'), variant === 'distroless');
          if (/^\d/.test(tag)) assert.equal(tag.split('-')[1], hash.slice(0, 12));
        }
      }),
    );
  });
});

describe('npm run image:tags', () => {
  const git = (cwd: string, ...args: readonly string[]): string => {
    const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main'];
    const env = { ...process.env, GIT_COMMITTER_DATE: '2024-04-06T01:09:07+02:00' };
    return execFileSync('git', [...who, ...args], { cwd, encoding: 'utf8', env, stdio: 'pipe' });
  };

  function makeClone(): string {
    const folder = makeTemporaryFolder('tags');
    const upstream = join(folder, 'upstream');
    mkdirSync(join(upstream, 'chart'), { recursive: true });
    writeFileSync(join(upstream, 'package.json'), '{"version":"0.2.0"}');
    writeFileSync(join(upstream, 'chart/Chart.yaml'), "version: 0.2.0\nappVersion: '0.2.0'\n");
    git(upstream, 'init', '--quiet');
    git(upstream, 'add', '.');
    git(upstream, 'commit', '--quiet', '--message', 'first');
    git(folder, 'clone', '--quiet', 'upstream', 'clone');
    return join(folder, 'clone');
  }

  function run(cwd: string, ...args: readonly string[]) {
    const script = ['--import', resolve('node_modules/tsx/dist/esm/index.mjs')];
    return spawnSync(process.execPath, [...script, resolve('scripts/image-tags/main.ts'), ...args], {
      cwd,
      encoding: 'utf8',
    });
  }

  it('knows the commit, and whether main has gone on since', () => {
    const clone = makeClone();
    const sha = git(clone, 'rev-parse', 'HEAD').slice(0, 12);
    const newest = run(clone, 'main');
    const version = `240405230907-${sha}`;
    const created = 'created=2024-04-05T23:09:07Z';
    const expected = [`version=${version}`, created, `all=latest ${version}`, 'amd64=', 'arm64=', ''];
    assert.equal(newest.stdout, expected.join('\n'), newest.stderr);
    git(join(clone, '../upstream'), 'commit', '--quiet', '--allow-empty', '--message', 'second');
    assert.match(run(clone, 'main', 'distroless').stdout, new RegExp(`^all=${version}-distroless$`, 'm'));
    git(join(clone, '../upstream'), 'branch', '--move', 'trunk');
    assert.match(run(clone, 'main').stderr, /the repository "origin" has no branch main/);
  });

  it('refuses a release whose tag is not what the program and its chart say', () => {
    const clone = makeClone();
    assert.match(run(clone, 'release').stderr, /the commit has no tag/);
    git(clone, 'tag', 'v0.2.0');
    assert.match(run(clone, 'release').stdout, /^all=stable stable-0\.2\.0\namd64=stable-amd64-0\.2\.0$/m);
    git(clone, 'tag', '--delete', 'v0.2.0');
    git(clone, 'tag', 'v0.3.0');
    const wrong = run(clone, 'release');
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.stderr, /the tag is v0\.3\.0, and the version of package\.json is 0\.2\.0/);
    assert.match(run(clone, 'weekly').stderr, /has to be main, nightly or release/);
    assert.match(run(clone, 'main', 'alpine').stderr, /"alpine" is no variant/);
  });
});
