// Where the files that a manifest lists are fetched from: the hosts it names, or one that an operator names instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ManifestFiles,
  type ManifestFile,
} from '../../../../src/protocols/statsig/id-lists/manifest-files.js';
import { holding, manifestText } from './manifests.js';

const BASE = 'https://mirror.example/idlists';

function fileOf(url: string, endpoint?: string): ManifestFile {
  const [file] = new ManifestFiles(endpoint).of(holding(manifestText({ a: { url, size: 20, fileID: 'f' } })));
  return file ?? assert.fail('no file');
}

for (const [url, expected] of [
  [
    'https://cdn.example/v1/download_id_list_file/company%2Ffile_1?sv=2026&sig=a%2Bb%3D&k=secret-k',
    `${BASE}/v1/download_id_list_file/company%2Ffile_1?sv=2026&sig=a%2Bb%3D&k=secret-k`,
  ],
  [
    'https://store.example/idlists/company%2Ffile_1?sig=a%2Bb',
    `${BASE}/v1/download_id_list_file/company%2Ffile_1?sig=a%2Bb`,
  ],
  ['https://store.example/idlists/', `${BASE}/v1/download_id_list_file/`],
  // Nobody knows where these would be in another place.
  ['https://store.example/elsewhere/idlists/x?sig=1', 'https://store.example/elsewhere/idlists/x?sig=1'],
  ['https://store.example/x', 'https://store.example/x'],
] as const) {
  test(`${url} is fetched from the base that is set, as far as it leads there`, () => {
    for (const endpoint of [BASE, `${BASE}/`]) assert.equal(fileOf(url, endpoint).file.url, expected);
    assert.equal(fileOf(url).file.url, url, 'without a base from where it says');
    assert.equal(
      fileOf(url, BASE).file.name,
      fileOf(url).file.name,
      'the same file, wherever it is fetched from',
    );
  });
}

test('a url of the storage is asked for where clients ask that use this host instead', () => {
  assert.equal(
    fileOf('https://store.example/idlists/company%2Ffile_1?sig=1').path,
    '/v1/download_id_list_file/company%2Ffile_1',
  );
});
