// Tags with SFP's names: in its order, bounded whatever clients send, and with keys in the form that was chosen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SdkKeyForms } from '../../src/observability/sdk-key-forms.js';
import { SfpTags } from '../../src/observability/sfp-tags.js';

const KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';

test('what an event lacks is left out, but for what SFP always has', () => {
  const tags = new SfpTags(new SdkKeyForms('sfp'));
  assert.deepEqual(tags.of('RedisCacheReadSucceed', { sdkKey: KEY, path: '/v1/x', acceptEncoding: 'none' }), [
    'sdk_key:secret-abcdefghijklm***',
    'path:/v1/x/',
    'lcut:0',
    'accept-encoding:none',
  ]);
  assert.deepEqual(tags.of('GrpcEstimatedActiveStreams', { value: 3 }), []);
});

test('values that clients send are 200 of each at most', () => {
  const tags = new SfpTags(new SdkKeyForms('sfp'));
  const seen = new Set<string | undefined>();
  for (let index = 0; index < 1_000; index += 1) {
    const all = tags.of('HttpServerRequestSuccess', { sdkType: `type ${index}` });
    seen.add(all.find((tag) => tag.startsWith('sdk_type:')));
  }
  assert.equal(seen.size, 201);
  assert.ok(seen.has('sdk_type:other'));
});

test('a key that had a spec keeps its tag, whatever strangers invent', () => {
  const forms = new SdkKeyForms('masked');
  forms.record('ConfigSpecStoreGotData', { sdkKey: KEY });
  for (let index = 0; index < 1_000; index += 1) forms.of(`secret-${index}${'x'.repeat(20)}`);
  assert.equal(forms.of(KEY), 'secret-abcd***');
  assert.equal(forms.of('secret-another0123456789'), 'other');
  forms.record('ConfigSpecStoreGotData', { sdkKey: 'secret-another0123456789' });
  assert.equal(forms.of('secret-another0123456789'), 'secret-anot***');
});

test('no form shows a whole key, nor more than half of it', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9\-_.~]{1,256}$/),
      fc.constantFrom('masked', 'sfp'),
      (key, form) => {
        const shown = new SdkKeyForms(form).of(key);
        assert.ok(shown.endsWith('***'));
        assert.ok(!shown.includes(key));
        assert.ok(form === 'masked' || shown.length - 3 <= Math.min(20, key.length / 2));
      },
    ),
  );
});
