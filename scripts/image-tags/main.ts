// Prints the tags of the commit that is checked out, a line for each list: `npm run --silent image:tags -- main|nightly|release [VARIANT]`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ARCHITECTURES, imageTags, VARIANTS, type Occasion } from './tags.js';

const [kind, asked = 'slim'] = process.argv.slice(2);
const variant = VARIANTS.find((each) => each === asked);
if (variant === undefined) throw new Error(`"${asked}" is no variant of the image: ${VARIANTS.join(', ')}`);
const [sha = '', seconds = ''] = git('show', '--no-patch', '--format=%H %ct', 'HEAD').split(' ');
const committedMs = Number(seconds) * 1000;
const { version, all, single } = imageTags({ sha, committedMs }, occasionOf(kind), variant);
console.log(`version=${version}`);
console.log(`created=${new Date(committedMs).toISOString().replace('.000', '')}`);
console.log(`all=${all.join(' ')}`);
for (const architecture of ARCHITECTURES) console.log(`${architecture}=${single[architecture].join(' ')}`);

function occasionOf(name: string | undefined): Occasion {
  switch (name) {
    case 'main': {
      const [newest = ''] = git('ls-remote', 'origin', 'refs/heads/main').split(/\s/);
      if (newest === '') throw new Error('the repository "origin" has no branch main');
      return { kind: name, isNewest: newest === sha };
    }
    case 'nightly':
      return { kind: name, nowMs: Date.now() };
    case 'release': {
      const isVersion = (tag: string): boolean => /^v\d+\.\d+\.\d+$/.test(tag);
      const released = git('tag').split('\n').filter(isVersion);
      const own = git('tag', '--points-at', 'HEAD').split('\n').find(isVersion);
      if (own === undefined) throw new Error('the commit has no tag vMAJOR.MINOR.PATCH');
      expectVersion(own.slice(1));
      return { kind: name, version: own.slice(1), released: released.map((tag) => tag.slice(1)) };
    }
    default:
      throw new Error('the first argument has to be main, nightly or release');
  }
}

/** The program, and the chart that asks for its image, call themselves what the tag does. */
function expectVersion(version: string): void {
  const { version: program } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly version: string;
  };
  const chart = parse(readFileSync('chart/Chart.yaml', 'utf8')) as Readonly<Record<string, string>>;
  for (const [what, said] of Object.entries({
    'version of package.json': program,
    'version of chart/Chart.yaml': chart['version'],
    'appVersion of chart/Chart.yaml': chart['appVersion'],
  })) {
    if (said !== version) throw new Error(`the tag is v${version}, and the ${what} is ${said}`);
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}
