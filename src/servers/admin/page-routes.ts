// The page for people at `/`: files that the build prepared, without data, so that nobody needs a token for them.
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { negotiateEncoding } from '../../domain/accept-encoding.js';
import { matchesEtag, toEtag } from '../../domain/etag.js';
import { ENCODINGS_BY_SIZE, type BodyForm, type Encoding } from '../../domain/payload.js';
import { errorCode } from '../../files/file-system.js';
import { errorBody, sendError } from '../http/error-reply.js';

const FOLDER = new URL('.', import.meta.resolve('#page/index.html'));
const DOCUMENT = 'index.html';
const ENDINGS: Readonly<Record<Encoding, string>> = { identity: '', gzip: '.gz', br: '.br' };
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Whatever a spec, a reason or an error text holds: no other script, style or address ever counts, and no markup is parsed. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'accept-encoding',
} as const;
/** Below a path that names the build: a proxy of another build has other paths. */
const FOR_EVER = 'public, max-age=31536000, immutable';

type Forms = Readonly<Record<Encoding, BodyForm>>;

export function addPageRoutes(app: FastifyInstance): void {
  const page = new PageFiles();
  const options = { config: { needs: 'nothing' } } as const;
  app.get('/', options, (request, reply) => send(page, DOCUMENT, request, reply));
  app.get('/page/*', options, (request, reply) => {
    const { '*': path } = request.params as { readonly '*': string };
    // That one changes its content under the same path: it is at `/` alone.
    return send(page, path === DOCUMENT ? '' : path, request, reply);
  });
}

/** Read when somebody first looks at the page, then kept: 100 kB. */
class PageFiles {
  #files: Promise<ReadonlyMap<string, Forms>> | undefined;

  /** By its path in the folder. */
  async find(path: string): Promise<Forms | undefined> {
    this.#files ??= readFiles();
    try {
      return (await this.#files).get(path);
    } catch (error) {
      this.#files = undefined;
      throw error;
    }
  }
}

async function readFiles(): Promise<ReadonlyMap<string, Forms>> {
  const names = (await readNames()).filter((name) => Object.hasOwn(TYPES, extname(name)));
  return new Map(await Promise.all(names.map(async (name) => [name, await readForms(name)] as const)));
}

async function readNames(): Promise<readonly string[]> {
  try {
    return await readdir(FOLDER, { recursive: true });
  } catch (error) {
    // A checkout that was compiled without `npm run build`.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function readForms(name: string): Promise<Forms> {
  const crypto = process.getBuiltinModule('node:crypto');
  const read = async (encoding: Encoding): Promise<BodyForm> => {
    const bytes = await readFile(new URL(name + ENDINGS[encoding], FOLDER));
    return { encoding, bytes, etag: toEtag(crypto.createHash('sha256').update(bytes)) };
  };
  const [identity, gzip, br] = await Promise.all([read('identity'), read('gzip'), read('br')]);
  return { identity, gzip, br };
}

async function send(
  page: PageFiles,
  path: string,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const forms = await page.find(path);
  if (forms === undefined) return sendError(reply, errorBody('not_found', NOT_BUILT));
  const encoding = negotiateEncoding(headers['accept-encoding'], ENCODINGS_BY_SIZE) ?? 'identity';
  const { bytes, etag } = forms[encoding];
  reply
    .headers(HEADERS)
    .header('etag', etag)
    .header('cache-control', path === DOCUMENT ? 'no-cache' : FOR_EVER);
  if (matchesEtag(headers['if-none-match'] ?? '', etag)) return reply.code(304).send();
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  return reply.header('content-type', TYPES[extname(path)]).send(bytes);
}

const NOT_BUILT = 'There is no such file of the page; `npm run build` makes them.';
