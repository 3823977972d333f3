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

const modulesOf = new Map<string, readonly string[]>();

/** Every test file, relative to the root of the project. */
export function allTestFiles(): string[] {
  return readdirSync('test', { recursive: true })
    .map((name) => join('test', String(name)))
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
}

/** It needs nothing but its own process. */
export function isUnit(file: string): boolean {
  return !reaches(file, OUTSIDE);
}

export function dependsOnNode(file: string): boolean {
  return reaches(file, [...OUTSIDE, ...STREAMS]);
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
  const modules = modulesReachedFrom(file);
  return names.some((name) => modules.has(name));
}

function modulesReachedFrom(file: string): ReadonlySet<string> {
  const visited = new Set<string>();
  const modules = new Set<string>();
  const visit = (path: string): void => {
    if (visited.has(path)) return;
    visited.add(path);
    for (const specifier of importsOf(path)) {
      if (!specifier.startsWith('.')) modules.add(specifier);
      else visit(normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts'));
    }
  };
  visit(file);
  return modules;
}

/** What a file imports when it runs: imports of types alone are none. */
function importsOf(path: string): readonly string[] {
  const known = modulesOf.get(path);
  if (known !== undefined) return known;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const found = [...text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;']*?from\s+)?'([^']+)'/gms)];
  const specifiers = found.map((match) => match[1] ?? '');
  modulesOf.set(path, specifiers);
  return specifiers;
}
