// The demo origin's one ID list: a member more with each change, in a file that only grows, and a new file every hour.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const MANIFEST_PATH = '/v1/get_id_lists';
const FILE_PATH = '/v1/download_id_list_file/demo-testers';
const LIST_NAME = 'demo_testers';
const FILE_MS = 3_600_000;

/**
 * Answers what is asked of ID lists; false for anything else. What there is depends on the time of day alone: a proxy that
 * is started again may know the list from an earlier run.
 */
export function answerIdLists(
  request: IncomingMessage,
  response: ServerResponse,
  { sdkKey, growsEveryMs }: { readonly sdkKey: string; readonly growsEveryMs: number },
): boolean {
  const { pathname } = new URL(request.url ?? '/', 'http://demo-origin');
  if (pathname !== MANIFEST_PATH && pathname !== FILE_PATH) return false;
  const createdMs = Math.floor(Date.now() / FILE_MS) * FILE_MS;
  const members = 1 + Math.floor((Date.now() - createdMs) / growsEveryMs);
  const file = Buffer.from(Array.from({ length: members }, (_none, index) => lineOf(index)).join(''));
  if (pathname === MANIFEST_PATH) {
    const isKnown = request.headers['statsig-api-key'] === sdkKey;
    const url = `http://${request.headers.host ?? 'localhost'}${FILE_PATH}`;
    const list = {
      name: LIST_NAME,
      size: file.length,
      url,
      creationTime: createdMs,
      fileID: String(createdMs),
    };
    const answer = isKnown ? { [LIST_NAME]: list } : { error: 'unknown SDK key' };
    request.resume();
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
    return true;
  }
  send(response, file, /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
  return true;
}

/** `from`: the first byte that is wanted; undefined for the whole file. */
function send(response: ServerResponse, file: Buffer, from: string | undefined): void {
  const first = Number(from ?? 0);
  if (from !== undefined && first >= file.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
    return;
  }
  const range = { 'content-range': `bytes ${first}-${file.length - 1}/${file.length}` };
  const headers = { 'content-length': file.length - first, ...(from === undefined ? {} : range) };
  response.writeHead(from === undefined ? 200 : 206, headers).end(file.subarray(first));
}

/** As Statsig writes members: the first eight characters of the base64 SHA-256 of the user's id. */
function lineOf(index: number): string {
  return `+${createHash('sha256').update(`tester-${index}`).digest('base64').slice(0, 8)}\n`;
}
