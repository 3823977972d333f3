// Compiles test files with all they import, once: a process that loads a bundle starts in a third of the time that it takes to
// transpile hundreds of modules one by one.
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** How src names a module that runs in a thread of its own; it is a bundle of its own as well. */
const THREAD_URL = /new URL\('(\.\/[\w-]+-thread)\.js', import\.meta\.url\)/g;

/** What to run for each test file: its bundle, or the file itself where it is JavaScript. The bundles are removed at the end of this process. */
export async function bundlesOf(files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const typed = files.filter((file) => file.endsWith('.ts'));
  const folder = mkdtempSync(join(tmpdir(), 'test-bundles-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  // Packages stay outside of bundles, which find them here, and what `imports` of package.json names.
  for (const name of ['node_modules', 'package.json', 'proto', 'dist']) {
    symlinkSync(resolve(name), join(folder, name));
  }
  const { metafile } = await build({
    entryPoints: typed.length === 0 ? [] : [...typed, ...threads()],
    outdir: folder,
    outbase: '.',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    plugins: [urlsOfSources(folder)],
    metafile: true,
    logLevel: 'warning',
  });
  const bundleOf = new Map<string, string>();
  for (const [bundle, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint !== undefined) bundleOf.set(resolve(entryPoint), resolve(bundle));
  }
  return new Map(files.map((file) => [file, bundleOf.get(resolve(file)) ?? file]));
}

function threads(): string[] {
  return readdirSync('src', { recursive: true })
    .map((name) => join('src', String(name)))
    .filter((name) => name.endsWith('-thread.ts'));
}

/** `import.meta.url` stays that of the source, beside which a module finds other files; only threads are beside the bundles. */
function urlsOfSources(folder: string): Plugin {
  const threadUrl = (source: string, name: string): URL =>
    pathToFileURL(`${join(folder, relative('.', join(dirname(source), name)))}.js`);
  return {
    name: 'urls-of-sources',
    setup(compiler) {
      compiler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = readFileSync(path, 'utf8')
          .replace(THREAD_URL, (_expression, name: string) => `new URL('${threadUrl(path, name).href}')`)
          .replaceAll('import.meta.url', `'${pathToFileURL(path).href}'`);
        return { loader: 'ts', contents };
      });
    },
  };
}
