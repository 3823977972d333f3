// A network with one way out: STATSIG_ENDPOINT leads to specs and ID lists, and the lists' files come from a base with a path.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { entryOf } from '../e2e/id-list-scene.js';
import { startIdListOrigin } from '../fakes/id-list-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startDaemon } from './daemon.js';

const SDK_KEY = 'secret-closednetwork0123456789';

test('one variable leads to specs and manifests, another to the files', async (t) => {
  const origin = await startIdListOrigin(t, { filePlace: 'api' });
  const list = origin.addProject(SDK_KEY).addList('list_1', 'alice', 'bob');
  const asked: string[] = [];
  const mirror = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { bytes } = list.file;
    const range = `bytes 0-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(206, { 'content-length': bytes.length, 'content-range': range }).end(bytes);
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  t.after(() => {
    mirror.close();
    mirror.closeAllConnections();
  });
  const base = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/some/path`;
  const proxy = await startDaemon(t, origin.url, {
    env: { statsig_endpoint_download_id_list_file: base, LOG_EVENT_STATSIG_ENDPOINT: origin.url },
  });
  const { url, size } = await entryOf(proxy, SDK_KEY, 'list_1');
  assert.equal(size, list.file.bytes.length);
  const answer = await rawRequest(url);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.bytes, list.file.bytes);
  assert.deepEqual(asked, [`/some/path/v1/download_id_list_file/project-0%2F${list.file.fileId}`]);
  assert.equal(origin.requestsOf('file').length, 0, 'no other way out was used');
});
