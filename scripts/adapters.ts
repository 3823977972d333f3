// Brings the SDKs of other languages, at exact versions, for the tests of their data adapters, and builds applications with them.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ADAPTERS = 'examples/data-adapters';
const APPS = 'test/examples/adapters';
const FOLDER = resolve('node_modules/.cache/adapters');
const PYTHON_PACKAGES = ['statsig-python-core==0.24.2', 'statsig==0.72.1', 'redis==8.1.0'];
const GO_MODULE = `module adapters
go 1.24
require github.com/redis/go-redis/v9 v9.23.0
require github.com/statsig-io/go-sdk v1.35.1
`;
const JAVA_PACKAGES = [
  ['com.statsig', 'javacore', '0.10.2'],
  // The same for the machine.
  [
    'com.statsig',
    'javacore',
    '0.10.2',
    `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`,
  ],
  ['redis.clients', 'jedis', '8.0.2'],
] as const;

export interface Language {
  /** By whose absence it is skipped. */
  readonly tools: readonly string[];
  /** Downloads what is missing. */
  bring(): void;
  /** Whether that was done. */
  isThere(): boolean;
  /** The command that starts the application, newly built. */
  build(): readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const python = join(FOLDER, 'python');
const go = join(FOLDER, 'go');
const java = join(FOLDER, 'java');

function pythonWith(app: string): Language {
  return {
    tools: ['python3'],
    bring: () => {
      run(FOLDER, 'python3', '-m', 'venv', python);
      run(FOLDER, `${python}/bin/pip`, 'install', '--quiet', ...PYTHON_PACKAGES);
    },
    isThere: () => existsSync(`${python}/bin/python`),
    build: () => [`${python}/bin/python`, resolve(APPS, app)],
    env: { PYTHONPATH: resolve(ADAPTERS), PYTHONDONTWRITEBYTECODE: '1' },
  };
}

export const LANGUAGES: Readonly<Record<string, Language>> = {
  'core for Python': pythonWith('core_app.py'),
  'legacy for Python': pythonWith('legacy_app.py'),
  'legacy for Go': {
    tools: ['go'],
    bring: () => {
      mkdirSync(join(go, 'dataadapter'), { recursive: true });
      writeFileSync(join(go, 'go.mod'), GO_MODULE);
      buildGo();
    },
    isThere: () => existsSync(join(go, 'go.mod')),
    build: buildGo,
    env: {},
  },
  'core for Java': {
    tools: ['mvn', 'javac'],
    bring: () => {
      mkdirSync(java, { recursive: true });
      writeFileSync(join(java, 'pom.xml'), mavenProject());
      run(java, 'mvn', '--quiet', '--batch-mode', 'dependency:copy-dependencies', '-DoutputDirectory=lib');
    },
    isThere: () => existsSync(join(java, 'lib')),
    build: () => {
      const sources = [resolve(ADAPTERS, 'RedisDataStore.java'), resolve(APPS, 'App.java')];
      run(java, 'javac', '-Werror', '-cp', 'lib/*', '-d', 'classes', ...sources);
      return ['java', '-cp', `${java}/classes:${java}/lib/*`, 'App'];
    },
    env: {},
  },
};

function buildGo(): readonly string[] {
  copyFileSync(`${ADAPTERS}/redis_adapter.go`, join(go, 'dataadapter/redis_adapter.go'));
  copyFileSync(`${APPS}/app.go`, join(go, 'app.go'));
  run(go, 'go', 'vet', '-mod=mod', './...');
  run(go, 'go', 'build', '-mod=mod', '-o', 'app', '.');
  return [join(go, 'app')];
}

function mavenProject(): string {
  const dependencies = JAVA_PACKAGES.map(([group, artifact, version, classifier]) => {
    const own = classifier === undefined ? '' : `<classifier>${classifier}</classifier>`;
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${own}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>adapters</groupId><artifactId>adapters</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`;
}

function run(cwd: string, command: string, ...args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
}

/** The first of its tools that this machine does not have. */
export function missingTool({ tools }: Language): string | undefined {
  return tools.find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
}
