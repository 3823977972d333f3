// Makes dist/page-files, which the admin port serves as it is, of the compiled page: every file compressed, below a folder that no other build has.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const HASH_CHARACTERS = 16;

const files = new Map([
  ...filesOf(join(root, 'dist/page'), /\.js$/),
  ...filesOf(join(root, 'src/page'), /\.(?:css|svg)$/),
]);
const html = readFileSync(join(root, 'src/page/page.html'), 'utf8');
const hash = createHash('sha256').update(html);
for (const [name, bytes] of files) hash.update(`${name}\n${bytes.length}\n`).update(bytes);
const build = hash.digest('hex').slice(0, HASH_CHARACTERS);

for (const [name, bytes] of files) write(join('page', build, name), bytes);
// Browsers learn of imports only once they have the module that names them: all at once instead. Modules of types are imported by none.
const modules = [...files].filter(
  ([name, bytes]) => name.endsWith('.js') && bytes.toString().trim() !== 'export {};',
);
const preloads = modules
  .map(([name]) => `<link rel="modulepreload" href="/page/BUILD/${name}" />`)
  .join('\n    ');
write(
  'index.html',
  Buffer.from(html.replace('<!-- modules -->', preloads).replaceAll('/page/BUILD/', `/page/${build}/`)),
);

/** @returns {[string, Buffer][]} by their paths in the folder */
function filesOf(/** @type {string} */ folder, /** @type {RegExp} */ pattern) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(folder, path), readFileSync(path)]);
}

function write(/** @type {string} */ name, /** @type {Buffer} */ bytes) {
  const path = join(root, 'dist/page-files', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(bytes));
}
