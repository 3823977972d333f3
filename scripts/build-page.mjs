// Makes dist/page, which the admin port serves as it is: the page's modules in one file, all compressed, below a folder that no other build has.
import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = join(ROOT, 'src/page');
const HASH_CHARACTERS = 16;

const { outputFiles } = await build({
  absWorkingDir: ROOT,
  entryPoints: [join(PAGE, 'main.ts')],
  outfile: 'main.js',
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2023',
  write: false,
  logLevel: 'warning',
});
const html = readFileSync(join(PAGE, 'page.html'), 'utf8');
const files = new Map([
  ['main.js', Buffer.from(outputFiles[0].contents)],
  ...['page.css', 'icon.svg'].map((name) => [name, readFileSync(join(PAGE, name))]),
]);
const hash = createHash('sha256').update(html);
for (const [name, bytes] of files) hash.update(`${name}\n${bytes.length}\n`).update(bytes);
const folder = hash.digest('hex').slice(0, HASH_CHARACTERS);

rmSync(join(ROOT, 'dist/page'), { recursive: true, force: true });
write('index.html', Buffer.from(html.replaceAll('/page/BUILD/', `/page/${folder}/`)));
for (const [name, bytes] of files) write(join(folder, name), bytes);

function write(name, bytes) {
  const path = join(ROOT, 'dist/page', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(bytes));
}
