// URLs as people write them into the options of SDKs and probes: slashes too many lead to the same routes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from 'node:http';
import fc from 'fast-check';
import { toRoute } from '../../../../src/servers/http/route-path.js';
import { isProbe } from '../../../../src/servers/http/probe-routes.js';
import { startEventOrigin, type EventOrigin } from '../../../fakes/event-origin.js';
import { IdListOrigin, startIdListOrigin, type ListProject } from '../../../fakes/id-list-origin.js';
import { SDK_KEY, startProxy, type TestProxy } from '../../../fakes/proxy.js';
import { rawRequest } from '../../../fakes/raw-request.js';

const ends: (() => Promise<void>)[] = [];
let origin: IdListOrigin;
let events: EventOrigin;
let project: ListProject;
let proxy: TestProxy;

before(async () => {
  const t = { after: (end: () => Promise<void>): unknown => ends.unshift(end) };
  origin = await startIdListOrigin(t, { filePlace: 'api' });
  project = origin.addProject(SDK_KEY);
  project.addList('list_1', 'a', 'b');
  events = await startEventOrigin();
  t.after(() => events.close());
  proxy = await startProxy({ origin: origin.url, eventOrigin: events.url });
  t.after(() => proxy.app.stop());
});

after(async () => {
  for (const end of ends) await end();
});

for (const [path, plain] of [
  [`/v1//download_config_specs/${SDK_KEY}.json`, `/v1/download_config_specs/${SDK_KEY}.json`],
  [`/v1/download_config_specs//${SDK_KEY}.json`, `/v1/download_config_specs/${SDK_KEY}.json`],
  [`/v2/download_config_specs/${SDK_KEY}.json/`, `/v2/download_config_specs/${SDK_KEY}.json`],
  [
    `//v2///download_config_specs//${SDK_KEY}.json//?sinceTime=0`,
    `/v2/download_config_specs/${SDK_KEY}.json`,
  ],
  [`/v1/download_config_specs/?sinceTime=0`, `/v1/download_config_specs`],
  [`/v1/get_id_lists//${SDK_KEY}.json?a=b`, `/v1/get_id_lists/${SDK_KEY}.json`],
  [`/v1/health/`, '/v1/health'],
  [`//v1/ready/?verbose`, '/v1/ready'],
] as const) {
  test(`GET ${path} is the same as ${plain}`, async () => {
    const headers = { 'statsig-api-key': SDK_KEY };
    const wanted = await rawRequest(proxy.url + plain, { headers });
    const answer = await rawRequest(proxy.url + path, { headers });
    assert.equal(wanted.status, 200);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, wanted.text);
  });
}

test('specs are asked for and log events are sent with slashes too many as well', async () => {
  const headers = { 'statsig-api-key': SDK_KEY };
  for (const path of ['/v1/download_config_specs/', '/v1//get_id_lists/']) {
    const answer = await rawRequest(proxy.url + path, { method: 'POST', headers });
    assert.equal(answer.status, 200, path);
  }
  for (const path of ['/v1/log_event/', '/v1//log_event', '//v1/rgstr/']) {
    const body = '{"events":[]}';
    const answer = await rawRequest(proxy.url + path, { method: 'POST', headers, body });
    assert.equal(answer.status, 202, path);
    const byQuery = await rawRequest(`${proxy.url}${path}?k=${SDK_KEY}`, { method: 'POST', body });
    assert.equal(byQuery.status, 202, path);
  }
});

test('files of ID lists are found behind slashes too many, and by their own paths at the origin', async () => {
  const manifest = await rawRequest(`${proxy.url}/v1/get_id_lists/${SDK_KEY}.json`);
  const { url } = (JSON.parse(manifest.text) as { list_1: { url: string } }).list_1;
  const wanted = await rawRequest(url);
  assert.equal(wanted.status, 200);
  const { pathname } = new URL(url);
  const [ofOrigin] = [...project.lists.values()].map(({ file }) => `project-0%2F${file.fileId}`);
  for (const path of [`/${pathname}`, `${pathname}/`, `/v1//download_id_list_file//${ofOrigin ?? ''}`]) {
    const answer = await rawRequest(proxy.url + path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.text, wanted.text, path);
  }
  const part = await rawRequest(`${proxy.url}${pathname}/?range=3-`);
  assert.equal(part.status, 206);
  assert.equal(part.text, wanted.text.slice(3));
});

test('what is no route behind its slashes stays none', async () => {
  for (const path of ['/', '//', '///?a', '/v1//', '/v1/heal/th', '/v1/health%2F']) {
    assert.equal((await rawRequest(proxy.url + path)).status, 404, path);
  }
});

test('a target that names a host, as an outbound proxy gets it, leads to the same routes', async () => {
  const headers = { 'statsig-api-key': SDK_KEY };
  const text = await new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(proxy.url);
    const path = `http://proxy.example//v1/download_config_specs/`;
    const asked = request({ hostname, port, path, headers, agent: false }, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response
        .on('data', (piece: string) => (body += piece))
        .on('end', () => {
          resolve(body);
        });
    });
    asked.on('error', reject).end();
  });
  assert.match(text, /"has_updates":true/);
});

test('probes are known by any of their urls', () => {
  for (const url of ['/v1/health/', '//v1//ready?x', 'http://host/v1/startup/?x=//']) {
    assert.equal(isProbe(toRoute(url)), true, url);
  }
  assert.equal(isProbe(toRoute('/v1/healthy/')), false);
});

test('a query is never changed, and a path that was put right stays as it is', () => {
  const anyUrl = fc.array(fc.constantFrom('/', '//', 'a', '%2F', '?', 'http://', 'b.json'), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(anyUrl, (parts) => {
      const url = `/${parts.join('')}`;
      const [path = '', ...query] = url.split('?');
      const right = toRoute(url);
      const [rightPath = '', ...rightQuery] = right.split('?');
      assert.deepEqual(rightQuery, query);
      assert.deepEqual(rightPath.split('/').filter(Boolean), path.split('/').filter(Boolean));
      assert.doesNotMatch(rightPath, /\/\/|.\/$/);
      assert.equal(toRoute(right), right);
    }),
  );
});
