// Tags with SFP's names: in its order, bounded whatever clients send, and with keys in the form that was chosen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameSdkKeys } from '../../src/domain/sdk-key.js';
import { SdkKeyForms } from '../../src/observability/sdk-key-forms.js';
import { SfpTags } from '../../src/observability/sfp-tags.js';

const KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';

test('what an event lacks is left out, but for what SFP always has', () => {
  const tags = new SfpTags(new SdkKeyForms('sfp'));
  assert.deepEqual(
    tags.of('RedisCacheReadSucceed', { sdkKey: KEY, path: '/v1/x', acceptEncoding: 'none' })?.tags,
    ['sdk_key:secret-abcdefghijklm***', 'path:/v1/x/', 'lcut:0', 'accept-encoding:none'],
  );
  assert.deepEqual(tags.of('GrpcEstimatedActiveStreams', { value: 3 })?.tags, []);
});

test('values that clients send are 200 of each at most', () => {
  const tags = new SfpTags(new SdkKeyForms('sfp'));
  const seen = new Set<string | undefined>();
  for (let index = 0; index < 1_000; index += 1) {
    const all = tags.of('HttpServerRequestSuccess', { sdkType: `type ${index}` })?.tags;
    seen.add(all?.find((tag) => tag.startsWith('sdk_type:')));
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

test('a key is shown by its name only where that is asked for, and by a new one from then on', (t) => {
  t.after(() => {
    nameSdkKeys(new Map());
  });
  nameSdkKeys(new Map([[KEY, 'checkout']]));
  const forms = new SdkKeyForms('name');
  forms.record('ConfigSpecStoreGotData', { sdkKey: KEY });
  assert.equal(forms.of(KEY), 'checkout');
  assert.equal(forms.of('secret-another0123456789'), 'secret-anot***');
  assert.equal(new SdkKeyForms('masked').of(KEY), 'secret-abcd***');
  assert.equal(new SdkKeyForms('sfp').of(KEY), 'secret-abcdefghijklm***');
  nameSdkKeys(new Map([[KEY, 'basket']]));
  assert.equal(forms.of(KEY), 'basket');
  nameSdkKeys(new Map());
  assert.equal(forms.of(KEY), 'secret-abcd***');
});

test('no form shows a whole key, nor more than half of it', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9\-_.~]{1,256}$/),
      fc.constantFrom('masked', 'name', 'sfp'),
      (key, form) => {
        const shown = new SdkKeyForms(form).of(key);
        assert.ok(shown.endsWith('***'));
        assert.ok(!shown.includes(key));
        assert.ok(form !== 'sfp' || shown.length - 3 <= Math.min(20, key.length / 2));
      },
    ),
  );
});
