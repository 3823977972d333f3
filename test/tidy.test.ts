// Style as a test: arrows between rooms, one door per dependency, bans, sizes, cycles, orphans, opening sentences.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { settings } from '../src/config/settings.js';

const ROOT = new URL('..', import.meta.url).pathname;
const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;
/** By `npm run docs`. */
const GENERATED: readonly string[] = ['src/page/api-answers.ts'];

/**
 * A file imports its own room or one of a lower rank, types included. So generic ground, the core and the servers know no
 * protocol, and protocols know neither each other nor the configuration.
 */
const RANKS: Readonly<Record<string, number>> = {
  domain: 0,
  observability: 1,
  json: 2,
  files: 2,
  network: 2,
  bodies: 3,
  'http-client': 4,
  storage: 4,
  core: 5,
  streams: 6,
  auth: 6,
  servers: 7,
  profiling: 7,
  protocols: 8,
  config: 9,
  cli: 10,
  app: 10,
  doctor: 11,
  shadow: 11,
  'main.ts': 12,
};
/** What browsers load: it imports nothing of the process, and nothing of the process imports it. */
const PAGE = 'page';
/** Who may know the configuration; every other room declares the options it needs. */
const KNOWS_CONFIG: readonly string[] = ['config', 'app', 'cli', 'doctor', 'shadow', 'main.ts'];

/** Where a dependency may be imported from; a folder or a file. */
const DOORS: Readonly<Record<string, string>> = {
  '@datadog/pprof': 'src/profiling/collector.ts',
  '@grpc/grpc-js': 'src/',
  '@grpc/proto-loader': 'src/servers/grpc/protos.ts',
  '@opentelemetry/api': 'src/observability/otlp/',
  '@opentelemetry/core': 'src/observability/otlp/',
  '@opentelemetry/otlp-exporter-base': 'src/observability/otlp/',
  '@opentelemetry/otlp-grpc-exporter-base': 'src/observability/otlp/',
  '@opentelemetry/otlp-transformer': 'src/observability/otlp/',
  '@opentelemetry/resources': 'src/observability/otlp/',
  '@opentelemetry/sdk-metrics': 'src/observability/otlp/',
  '@opentelemetry/sdk-trace': 'src/observability/otlp/',
  commander: 'src/cli/read-command-line.ts',
  fastify: 'src/',
  'hot-shots': 'src/observability/statsd/statsd-sink.ts',
  ioredis: 'src/storage/redis/',
  jose: 'src/auth/',
  'lru-cache': 'src/core/expiring-memory.ts',
  'node-unix-socket': 'src/observability/statsd/unix-sender.ts',
  'p-limit': 'src/domain/concurrency-limit.ts',
  pino: 'src/observability/logger.ts',
  'prom-client': 'src/observability/prometheus-page.ts',
  'statsig-node': 'src/protocols/statsig/gates/evaluate-gate.ts',
  undici: 'src/http-client/',
};
/** These are used behind one door, and beyond it held by their types only. */
const BUILT_IN: Readonly<Record<string, string>> = {
  '@grpc/grpc-js': 'src/servers/grpc/',
  fastify: 'src/servers/',
  undici: 'src/http-client/outbound/',
};

/** A release of one of these can end the process or lose an answer: each update is a commit that ran every test. */
const CARRIES_BYTES: readonly string[] = ['@grpc/grpc-js', 'fastify', 'ioredis', 'undici'];

/** What is reached for in one file only, and handed to all others. */
const BANS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\bprocess\.(?:env|argv|exit|exitCode|on|once|stdout|stderr)\b/, ['src/main.ts']],
  // But for the idle time of a socket or a stream of HTTP/2.
  [
    /(?<!\b(?:socket|stream)\.)\b(?:setTimeout|setInterval|Date\.now|performance\.now)\(|\bnew Date\(\)/,
    ['src/domain/clock.ts', 'src/page/clock.ts'],
  ],
  // Node 24 loads its own fetch with that, 40 ms of CPU at each start; `process.getBuiltinModule` loads what is used.
  [/^import (?!type)[^;]* from 'node:http';/m, []],
  [/\bconsole\.\w/, []],
  [/\bMath\.random\(/, []],
  [/:\s*any\b|<any>|\bas any\b/, []],
  [/\b(?:TODO|FIXME|XXX)\b/, []],
  // Texts of others become text nodes and never markup.
  [
    /\b(?:innerHTML|outerHTML|insertAdjacentHTML|setHTML|setHTMLUnsafe|parseHTMLUnsafe|createContextualFragment|DOMParser|srcdoc)\b|\bdocument\.write/,
    [],
  ],
  [/^(?:export )?(?:let|var) /m, []],
  [/@ts-(?:ignore|nocheck|expect-error)/, []],
];
const TOP_LEVEL: readonly string[] = [
  'bench',
  'chart',
  'deploy',
  'docs',
  'examples',
  'proto',
  'scripts',
  'src',
  'test',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'eslint.config.mjs',
  'package-lock.json',
  'package.json',
  'run_locally.sh',
  'tsconfig.json',
];
const VAGUE_NAMES: readonly string[] = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'misc',
  'index',
  'types',
];

function filesUnder(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => /\.(?:ts|mjs)$/.test(name))
    .sort();
}

const sources = new Map(filesUnder('src').map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = sources.get(file) ?? '';
  const atOnce = [...text.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+'([^']+)'/gms)];
  const later = [...text.matchAll(/\bimport\((type\s+)?'([^']+)'\)/g)];
  return [...atOnce, ...later].map((match) => ({
    specifier: match[2] ?? '',
    isTypeOnly: match[1] !== undefined,
  }));
}

/** Without the entry point that follows its name. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function resolve(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts');
}

function localImports(file: string): string[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => resolve(file, specifier));
}

function roomOf(file: string): string {
  return file.split('/')[1] ?? '';
}

function protocolOf(file: string): string {
  return file.split('/')[2] ?? '';
}

test('a file imports only its own room or one below it', () => {
  for (const file of sources.keys()) {
    for (const imported of localImports(file)) {
      const [from, to] = [roomOf(file), roomOf(imported)];
      if (from === PAGE && to === PAGE) continue;
      const [rank, importedRank] = [RANKS[from], RANKS[to]];
      assert.ok(
        rank !== undefined && importedRank !== undefined,
        `${file} or ${imported} is in no known room`,
      );
      assert.ok(from === to || importedRank < rank, `${file} may not import ${imported}`);
      const isOfProtocols = from === 'protocols' && to === 'protocols';
      assert.ok(
        !isOfProtocols || protocolOf(file) === protocolOf(imported),
        `${file} may not import ${imported}`,
      );
      if (to === 'config') assert.ok(KNOWS_CONFIG.includes(from), `${file} may not know the configuration`);
    }
  }
});

test('each dependency comes in by its one door, and every door is used', () => {
  const seen = new Set<string>();
  for (const file of sources.keys()) {
    for (const { specifier, isTypeOnly } of importsOf(file)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
      const name = packageOf(specifier);
      const door = DOORS[name];
      assert.ok(door !== undefined && file.startsWith(door), `${file} may not import ${specifier}`);
      const builtIn = BUILT_IN[name] ?? door;
      assert.ok(isTypeOnly || file.startsWith(builtIn), `${file} may hold types of ${specifier} only`);
      seen.add(name);
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(DOORS).sort());
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as { readonly dependencies: object; readonly optionalDependencies: object };
  const installed = Object.keys({ ...dependencies, ...optionalDependencies });
  assert.deepEqual(installed.sort(), Object.keys(DOORS).sort());
});

test('what carries bytes is held at an exact version, for a reason', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly pinned: Readonly<Record<string, string>>;
  };
  const exact = Object.entries(manifest.dependencies)
    .filter(([, version]) => /^\d/.test(version))
    .map(([name]) => name);
  assert.deepEqual(exact.sort(), [...CARRIES_BYTES].sort());
  assert.deepEqual(Object.keys(manifest.pinned).sort(), [...CARRIES_BYTES].sort());
});

test('what is banned stands only where it belongs', () => {
  for (const [file, text] of sources) {
    for (const [pattern, allowed] of BANS) {
      if (!allowed.includes(file)) assert.doesNotMatch(text, pattern, file);
    }
  }
});

test('no import leads back to where it came from', () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `a circle: ${[...path, file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const imported of localImports(file)) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
});

test('every file is reached from main, or from that of the page', () => {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    localImports(file).forEach(visit);
  };
  visit('src/main.ts');
  visit('src/page/main.ts');
  assert.deepEqual(
    [...sources.keys()].filter((file) => !reached.has(file)),
    [],
  );
});

test('every file begins with the sentence that says what it is for, and has a telling name', () => {
  for (const file of ['src', 'test', 'scripts', 'bench', 'examples'].flatMap(filesUnder)) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    const first = lines[0]?.startsWith('#!') === true ? lines[1] : lines[0];
    assert.match(first ?? '', /^\/\/ \S.{20,}$/, file);
    assert.ok(!VAGUE_NAMES.includes(basename(file).split('.')[0] ?? ''), file);
  }
});

test('files and functions are small', () => {
  for (const [file, text] of sources) {
    const isShort = text.split('\n').length <= FILE_LINES_MAX || GENERATED.includes(file);
    assert.ok(isShort, `${file} is too long`);
    const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
        const line = (position: number): number => tree.getLineAndCharacterOfPosition(position).line;
        const lines = line(node.end) - line(node.getStart()) + 1;
        assert.ok(
          lines <= FUNCTION_LINES_MAX,
          `a function of ${lines} lines at ${file}:${line(node.getStart()) + 1}`,
        );
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
});

test('every setting is read by somebody', () => {
  const names = Object.keys(settings);
  const tables = /^src\/config\/(?:\w+-)?settings\.ts$/;
  const readers = [...sources].filter(([file]) => !tables.test(file)).map(([, text]) => text);
  for (const name of names) {
    assert.ok(
      readers.some((text) => new RegExp(`\\.${name}\\b|\\b${name}[,} ]`).test(text)),
      `${name} is read nowhere`,
    );
  }
});

test('the top level holds what a reader expects there, and dot files', () => {
  const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n');
  for (const name of readdirSync(ROOT)) {
    const isOurs = !name.startsWith('.') && !ignored.includes(`${name}/`) && !name.endsWith('.log');
    assert.ok(!isOurs || TOP_LEVEL.includes(name), `${name} is not among TOP_LEVEL`);
  }
});

test('the README is for five minutes', () => {
  assert.ok(readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n').length <= 180);
});
