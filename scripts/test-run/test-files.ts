// Which test files there are, and what each of them needs: read from what it imports, so that no list has to be kept.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Modules by which a test opens sockets or starts programs: redis-server, the proxy itself, applications with SDKs. */
const OUTSIDE: readonly string[] = [
  'node:child_process',
  'node:dgram',
  'node:http',
  'node:http2',
  'node:https',
  'node:net',
  'node:tls',
  '@grpc/grpc-js',
  'fastify',
  'ioredis',
  'undici',
];
/** What else differs between releases of Node. */
const STREAMS: readonly string[] = [
  'node:stream',
  'node:stream/promises',
  'node:worker_threads',
  'node:zlib',
];

/**
 * What sets up scenes of several programs, for tests of what these do together: replicas, SDKs with an origin that fails, the
 * script that runs it all on a laptop, a browser. The sockets, streams and clients under them have tests of their own.
 */
export const SCENES: readonly string[] = [
  'test/app/fleet-scene.ts',
  'test/e2e/id-list-sdks.ts',
  'test/e2e/logging-child.ts',
  'test/e2e/passive-scene.ts',
  'test/page/browser.ts',
  'test/process/fleet.ts',
  'test/process/local-run.ts',
];

const importedBy = new Map<string, readonly string[]>();

/** Every test file, relative to the root of the project. */
export function allTestFiles(): string[] {
  return readdirSync('test', { recursive: true })
    .map((name) => join('test', String(name)))
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
}

/** It needs nothing but its own process: neither a socket nor what was built. */
export function isUnit(file: string): boolean {
  return !file.startsWith('test/process/') && !reaches(file, OUTSIDE);
}

export function dependsOnNode(file: string): boolean {
  return reaches(file, [...OUTSIDE, ...STREAMS]);
}

/** It walks at random, from the seed of the run. */
export function isRandom(file: string): boolean {
  return reaches(file, ['fast-check']);
}

/** It runs on another release of Node too. */
export function isForBothNodes(file: string): boolean {
  return dependsOnNode(file) && !reaches(file, SCENES);
}

/** Those that take long come first, so that none of them is left alone with the rest of the machine at the end. */
export function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string): number => {
    if (/^test\/(?:process|e2e)\//.test(file)) return 0;
    return isUnit(file) ? 2 : 1;
  };
  return [...files].sort((left, right) => rank(left) - rank(right));
}

/** It measures time, which other files at the same moment would add to. */
export function runsAlone(file: string): boolean {
  return file.endsWith('.alone.test.ts');
}

/** It has a long version, which `npm run soak` runs. */
export function hasLongVersion(file: string): boolean {
  return file.endsWith('.soak.test.ts');
}

function reaches(file: string, names: readonly string[]): boolean {
  const reached = reachedFrom(file);
  return names.some((name) => reached.has(name));
}

/** Modules, and files of ours, that come with a file when it runs. */
function reachedFrom(file: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const specifier of importsOf(path)) {
      if (!specifier.startsWith('.')) reached.add(specifier);
      else visit(normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts'));
    }
  };
  visit(file);
  return reached;
}

/** What a file imports when it runs: imports of types alone are none. */
function importsOf(path: string): readonly string[] {
  const known = importedBy.get(path);
  if (known !== undefined) return known;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const found = [...text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;']*?from\s+)?'([^']+)'/gms)];
  const specifiers = found.map((match) => match[1] ?? '');
  importedBy.set(path, specifiers);
  return specifiers;
}
