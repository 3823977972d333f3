// Bundles the modules of src/ into a few files in dist/, which load in less time than five hundred; packages stay in node_modules.
// By rollup, as esbuild's bundles turn `const` into `var`, whose value V8 loads at each use: Node 20 checked a spec in a third more time.
import { transform } from 'esbuild';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');
const DIST = join(ROOT, 'dist');
/** A thread's file, named where the thread is started: beside the module in src/, and in dist/ beside everything. */
const THREAD = /new URL\('\.\/([\w-]+)\.js', import\.meta\.url\)/g;

const modules = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const threads = modules.flatMap((file) => {
  const found = readFileSync(join(SRC, file), 'utf8').matchAll(THREAD);
  return Array.from(found, ([, name]) => join(SRC, dirname(file), `${name}.ts`));
});

const typescript = {
  name: 'typescript',
  resolveId: (imported, importer) =>
    isOwn(imported) && importer ? resolve(dirname(importer), imported.replace(/\.js$/, '.ts')) : undefined,
  transform: (code, file) =>
    transform(code, { loader: 'ts', sourcefile: file, sourcemap: true, target: 'node20.19' }),
};
const bundle = await rollup({
  input: [join(SRC, 'main.ts'), ...threads],
  external: (imported) => !isOwn(imported),
  plugins: [typescript],
  onLog: (level, { message }) => {
    if (level === 'warn') throw new Error(message);
  },
});
// A chunk that is no longer made must not live on.
rmSync(DIST, { recursive: true, force: true });
// What is imported when it is needed is in chunks of its own, so it is loaded when it is needed.
await bundle.write({
  dir: DIST,
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  minifyInternalExports: false,
  generatedCode: 'es2015',
  sourcemap: true,
  sourcemapExcludeSources: true,
});
await bundle.close();
await import('./build-page.mjs');

function isOwn(imported) {
  return imported.startsWith('.') || imported.startsWith('/');
}
