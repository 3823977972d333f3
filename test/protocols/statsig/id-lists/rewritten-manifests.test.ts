// Manifests with urls of this proxy: only the urls differ, and sizes that cannot be had; each is made once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HeldPayload } from '../../../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import { readFileId } from '../../../../src/protocols/statsig/id-lists/file-id.js';
import { ManifestFiles } from '../../../../src/protocols/statsig/id-lists/manifest-files.js';
import {
  RewrittenManifests,
  type FilesAtHand,
} from '../../../../src/protocols/statsig/id-lists/rewritten-manifests.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { ALL_WELL, holding, manifestText } from './manifests.js';

const SPARE = 'http://10.0.0.1:8000';

function create(
  clock = new ManualClock(),
  atHand = ALL_WELL,
): (held: HeldPayload, base: string) => HeldPayload {
  const rewritten = new RewrittenManifests(clock, new ManifestFiles(), atHand, createConcurrencyLimit(1));
  return (held, base) => rewritten.of(held, { wanted: base, spare: SPARE });
}

function textOf(held: ReturnType<typeof holding>): string {
  return held.payload.originForm.bytes.toString();
}

test('only urls change, to ids that hold the promised size', () => {
  const text =
    '{"a":{"n":5.5,"url":"https://o.example/x?sig=1","size":20,"url2":"https://o.example/x"},"b":{"url":"ftp://o/y","size":1}}';
  const rewritten = create()(holding(text), 'http://proxy:8000');
  const [, id = ''] =
    /"url":"http:\/\/proxy:8000\/v1\/download_id_list_file\/([^"]+)"/.exec(textOf(rewritten)) ?? [];
  assert.equal(readFileId(id)?.bytes, 20);
  assert.equal(
    textOf(rewritten),
    text.replace('https://o.example/x?sig=1', `http://proxy:8000/v1/download_id_list_file/${id}`),
  );
  assert.notEqual(rewritten.payload.originForm.etag, holding(text).payload.originForm.etag);
});

test('of members that are named twice the last counts, and is rewritten', () => {
  const text = '{"a":{"url":"https://o/1","size":5,"\\u0075rl":"https://o/2","\\u0073ize":500}}';
  const of = create(new ManualClock(), { areAllWell: false, promisable: () => 20 });
  assert.match(textOf(of(holding(text), 'http://p')), /^{"a":{"url":"http:\/\/p\/[^"]+\.20","size":20}}$/);
});

test('the same version and base are made once, and only so many bases are made', () => {
  const clock = new ManualClock();
  const of = create(clock);
  const held = holding(manifestText({ a: { url: 'https://o/f', size: 20 } }));
  const first = of(held, 'http://a');
  assert.equal(of(held, 'http://a').forms, first.forms);
  for (let index = 0; index < 15; index += 1) of(held, `http://b${index}`);
  const forStranger = of(held, 'http://c');
  assert.ok(textOf(forStranger).includes(`"${SPARE}/`), 'no room for another base');
  assert.equal(of(held, 'http://d').forms, forStranger.forms);
  assert.equal(of(held, 'http://a').forms, first.forms, 'those that were there stay');
  clock.advance(120_000);
  assert.equal(of(held, 'http://a').forms, first.forms);
  assert.ok(textOf(of(held, 'http://c')).includes('"http://c/'), 'one was not asked for any more');
  assert.ok(textOf(of({ ...held, payload: { ...held.payload } }, 'http://e')).includes('"http://e/'));
});

test('what was confirmed since is told of the rewritten one too', () => {
  const of = create();
  const held = holding('{}');
  of(held, 'http://a');
  held.confirmedAtMs = 5_000;
  assert.equal(of(held, 'http://a').confirmedAtMs, 5_000);
});

test('whatever manifests say, a rewritten one is the same but for the urls', () => {
  const list = fc.record({ url: fc.webUrl(), size: fc.nat(), fileID: fc.string(), more: fc.jsonValue() });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), list), (lists) => {
      const rewritten = create()(holding(JSON.stringify(lists)), 'http://p');
      const now = JSON.parse(textOf(rewritten)) as typeof lists;
      for (const [name, { url }] of Object.entries(now)) {
        assert.match(url, /^http:\/\/p\/v1\/download_id_list_file\/[\w.-]+$/);
        now[name] = { ...(now[name] as (typeof lists)[string]), url: lists[name]?.url ?? '' };
      }
      assert.equal(JSON.stringify(now), JSON.stringify(lists));
    }),
  );
});

test('of a file that cannot be had as promised, size and id promise what there is, as long as that is so', () => {
  const behind = new Map<string, number>();
  const atHand: FilesAtHand = {
    get areAllWell() {
      return behind.size === 0;
    },
    promisable: ({ url }, bytes) => behind.get(url) ?? bytes,
  };
  const of = create(new ManualClock(), atHand);
  const text =
    '{"a":{"size": 500 ,"url":"https://o.example/a","x":500},"b":{"url":"https://o.example/b","size":30}}';
  const held = holding(text);
  const promised = (): unknown[] => {
    const bytes = textOf(of(held, 'http://p'));
    const lists = Object.values(
      JSON.parse(bytes) as Record<string, { size: number; url: string; x?: number }>,
    );
    return lists.flatMap(({ size, url, x }) => [
      size,
      readFileId(url.slice(url.lastIndexOf('/') + 1))?.bytes,
      x,
    ]);
  };
  const whole = [500, 500, 500, 30, 30, undefined];
  assert.deepEqual(promised(), whole);
  const { forms } = of(held, 'http://p');
  behind.set('https://o.example/a', 20);
  assert.deepEqual(promised(), [20, 20, 500, 30, 30, undefined]);
  assert.equal(of(held, 'http://p').forms, of(held, 'http://p').forms, 'made once');
  assert.notEqual(of(held, 'http://p').payload.originForm.etag, forms.held('identity')?.etag);
  behind.set('https://o.example/a', 40);
  assert.deepEqual(promised(), [40, 40, 500, 30, 30, undefined]);
  behind.clear();
  assert.deepEqual(promised(), whole);
});

test('what can be had of a file is asked for once for each question, and not at all while all are well', () => {
  const asked: string[] = [];
  const atHand = {
    areAllWell: true,
    promisable: ({ url }: { readonly url: string }, bytes: number) => {
      asked.push(url);
      return Math.min(bytes, 20);
    },
  };
  const of = create(new ManualClock(), atHand);
  const held = holding(
    manifestText({ a: { url: 'https://o/a', size: 500 }, b: { url: 'https://o/b', size: 20 } }),
  );
  const urls = ['https://o/a', 'https://o/b'];
  atHand.areAllWell = false;
  for (let question = 0; question < 2; question += 1) {
    asked.length = 0;
    of(held, 'http://p');
    assert.deepEqual(asked, urls);
  }
  atHand.promisable = (_file, bytes) => bytes;
  atHand.areAllWell = true;
  assert.match(textOf(of(held, 'http://p')), /"size":500/);
  asked.length = 0;
  of(held, 'http://q');
  assert.deepEqual(asked, []);
});
