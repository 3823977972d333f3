// Bundles the modules of src/ into a few files in dist/, which load in less time than five hundred; packages stay in node_modules.
import { build } from 'esbuild';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');
/** A thread's file, named where the thread is started: beside the module in src/, and in dist/ beside everything. */
const THREAD = /new URL\('\.\/([\w-]+)\.js', import\.meta\.url\)/g;

const modules = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const threads = modules.flatMap((file) => {
  const found = readFileSync(join(SRC, file), 'utf8').matchAll(THREAD);
  return Array.from(found, ([, name]) => join(SRC, dirname(file), `${name}.ts`));
});

// A chunk that is no longer made must not live on.
rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: [join(SRC, 'main.ts'), ...threads],
  outdir: 'dist',
  entryNames: '[name]',
  bundle: true,
  // What is imported when it is needed is loaded when it is needed.
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
});
await import('./build-page.mjs');
