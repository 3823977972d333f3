// A look into bodies: what is a batch in every encoding, which exposures are the same, and that nothing else changes.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import * as zlib from 'node:zlib';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { inspectBody } from '../../../../../src/protocols/statsig/log-events/inspection/inspect-body.js';
import type { Inspection } from '../../../../../src/protocols/statsig/log-events/inspection/inspection.js';
import {
  batchText,
  configExposure,
  customEvent,
  gateExposure,
  layerExposure,
  MINUTE,
} from '../event-bodies.js';

const OPTIONS = { decodedBytesMax: 1024 * 1024 };
const NOTHING_KNOWN = (): boolean => false;

function inspect(text: string, coding = '', isKnown: ((id: string) => boolean) | undefined = NOTHING_KNOWN) {
  return inspectBody({ sdkKey: 'secret-a', body: encode(text, coding), coding }, isKnown, OPTIONS);
}

function encode(text: string, coding: string): Buffer {
  switch (coding) {
    case 'gzip':
      return zlib.gzipSync(text);
    case 'br':
      return zlib.brotliCompressSync(text);
    case 'zstd':
      return execFileSync('zstd', ['--stdout'], { input: text });
    default:
      return Buffer.from(text);
  }
}

/** What is left of the batch, as text; undefined where it stays as it came. */
function restOf(inspection: Inspection): string | undefined {
  if (inspection.kind !== 'batch') assert.fail(inspection.kind);
  if (inspection.rest === undefined) return undefined;
  return zlib.gunzipSync(inspection.rest.body).toString();
}

const hasZstd = 'zstdDecompressSync' in zlib;

describe('a body', () => {
  for (const coding of ['', 'identity', 'gzip', 'br', ...(hasZstd ? ['zstd'] : [])]) {
    it(`is read where it is ${coding === '' ? 'not compressed' : coding}`, () => {
      assert.equal(inspect(batchText([customEvent()]), coding).inspection.kind, 'batch');
      assert.equal(inspect('{"events":{}}', coding).inspection.kind, 'invalid');
      assert.equal(inspect(`{"events":[${'1,'.repeat(600_000)}1]}`, coding).inspection.kind, 'too-large');
    });
  }

  it('in an encoding that cannot be undone here is left unread, zstd on an old Node among them', () => {
    for (const coding of ['deflate', 'gzip, br', 'snappy', ...(hasZstd ? [] : ['zstd'])]) {
      const { inspection } = inspectBody({ sdkKey: 'a', body: Buffer.from('x'), coding }, undefined, OPTIONS);
      assert.deepEqual(inspection, { kind: 'unread', reason: 'coding' });
    }
  });

  for (const [name, text] of Object.entries({
    'no JSON': 'hello',
    nothing: '',
    'an array': '[]',
    'a number': '1',
    'an object without events': '{"event":[]}',
    'events that are no array': '{"events":"[]"}',
    'events that are null': '{"events":null}',
    'cut short': '{"events":[{"eventName":"a"',
    'followed by more': '{"events":[]} {}',
  })) {
    it(`that is ${name} is invalid`, () => {
      const { inspection } = inspect(text);
      assert.equal(inspection.kind, 'invalid');
    });
  }

  it('that names its events twice, or by an escape, is passed on with all of them', () => {
    const twice = JSON.stringify([gateExposure(), gateExposure()]);
    for (const text of [
      `{"events":1,"events":${twice}}`,
      `{"events":{"a":[]},"events":${twice}}`,
      `{"events":${twice},"events":[]}`,
      `{"\\u0065vents":1,"events":${twice}}`,
    ]) {
      assert.deepEqual(inspect(text).inspection, { kind: 'batch', dropped: 0, rest: undefined }, text);
    }
  });

  it('of more than 100,000 events is passed on with all of them', () => {
    const exposure = JSON.stringify(gateExposure());
    for (const [others, dropped] of [
      [99_998, 1],
      [99_999, 0],
    ] as const) {
      const { inspection } = inspect(`{"events":[${exposure},${exposure}${',1'.repeat(others)}]}`);
      assert.equal(inspection.kind === 'batch' && inspection.dropped, dropped);
    }
  });

  it('that is not what its encoding says is invalid', () => {
    for (const coding of ['gzip', 'br']) {
      const { inspection } = inspectBody(
        { sdkKey: 'a', body: Buffer.from('{}'), coding },
        undefined,
        OPTIONS,
      );
      assert.equal(inspection.kind, 'invalid');
    }
  });

  it('may have numbers in every form JSON knows, and events of any kind', () => {
    const text = '{"events":[{"time":1.8E12},{"time":-0.0},{"time":18000000000000000000001},1,null,"x",[]]}';
    const { inspection } = inspect(text);
    assert.deepEqual(inspection, { kind: 'batch', dropped: 0, rest: undefined });
  });
});

test('whatever bytes come, in whatever encoding: an answer, and no error', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('', 'gzip', 'br', 'zstd'),
      (body, coding) => {
        inspectBody({ sdkKey: 'a', body, coding }, NOTHING_KNOWN, OPTIONS);
      },
    ),
  );
});

describe('exposures', () => {
  /** How many of two events stay. */
  function staying(first: unknown, second: unknown): number {
    const { inspection, exposures } = inspect(batchText([first, second]));
    if (inspection.kind !== 'batch') assert.fail(inspection.kind);
    const events = inspection.rest?.events ?? 2;
    assert.ok(exposures.length <= events);
    return events;
  }

  for (const [name, exposure] of Object.entries({ gateExposure, configExposure, layerExposure })) {
    it(`of the same minute, user, name, rule and value are sent once (${name})`, () => {
      assert.equal(staying(exposure(), exposure()), 1);
      assert.equal(staying(exposure(), exposure({ time: MINUTE })), 1);
      assert.equal(staying(exposure(), exposure({ time: MINUTE + 59_999 })), 1);
      assert.equal(staying(exposure(), exposure({ secondaryExposures: [{ gate: 'x' }] })), 1);
    });

    it(`that differ in anything of that are both sent (${name})`, () => {
      const user = { userID: 'a-user', email: 'a@example.com', custom: { plan: 'gold' } };
      const metadata = exposure()['metadata'] as Record<string, unknown>;
      const others = [
        { time: MINUTE + 60_000 },
        { time: MINUTE - 1 },
        { value: 1 },
        { user: { ...user, email: 'b@example.com' } },
        { user: { ...user, custom: { plan: 'silver' } } },
        { user: { ...user, customIDs: { companyID: 'c' } } },
        { user: { ...user, statsigEnvironment: { tier: 'staging' } } },
        { user: null },
        { statsigMetadata: { stableID: 'a-device' } },
        ...Object.keys(metadata)
          .filter((member) => member !== 'reason')
          .map((member) => ({ metadata: { ...metadata, [member]: 'other' } })),
      ];
      for (const other of others)
        assert.equal(staying(exposure(), exposure(other)), 2, JSON.stringify(other));
    });
  }

  it('are told apart by numbers that only differ beyond 2^53', () => {
    const text = batchText([
      gateExposure({ user: { userID: 111 } }),
      gateExposure({ user: { userID: 222 } }),
    ]);
    const large = text.replace('111', '9007199254740993').replace('222', '9007199254740992');
    assert.equal(restOf(inspect(large).inspection), undefined);
  });

  it('are told apart by SDK key', () => {
    const body = Buffer.from(batchText([gateExposure()]));
    const [one, other] = ['secret-a', 'secret-b'].map(
      (sdkKey) => inspectBody({ sdkKey, body, coding: '' }, NOTHING_KNOWN, OPTIONS).exposures,
    );
    assert.notDeepEqual(one, other);
  });

  it('are told apart by the stable ID that stands beside the events, and by nothing else there', () => {
    const of = (statsigMetadata: unknown): readonly string[] =>
      inspect(JSON.stringify({ events: [gateExposure()], statsigMetadata })).exposures;
    assert.notDeepEqual(of({ stableID: 'one' }), of({ stableID: 'other' }));
    assert.notDeepEqual(of({ stableID: 'one' }), of({}));
    assert.deepEqual(of({ stableID: 'one', sdkType: 'a' }), of({ sdkType: 'b', stableID: 'one' }));
    for (const odd of [null, 'text', undefined]) assert.deepEqual(of(odd), of({}));
  });

  it('are all sent where it is not plain which stable ID is meant', () => {
    const events = JSON.stringify([gateExposure(), gateExposure()]);
    for (const metadata of ['{"stableID":"a","stableID":"b"}', '{"stable\\u0049D":"a"}']) {
      const text = `{"events":${events},"statsigMetadata":${metadata}}`;
      assert.deepEqual(inspect(text).inspection, { kind: 'batch', dropped: 0, rest: undefined }, text);
    }
  });

  it('with a time that is a fraction, as .NET sends it, are understood', () => {
    assert.equal(staying(gateExposure({ time: MINUTE + 1.5 }), gateExposure()), 1);
  });

  for (const [name, changes] of Object.entries({
    'a time that is no number': { time: 'now' },
    'no time': { time: undefined },
    'no metadata': { metadata: null },
    'no rule': { metadata: { gate: 'a_gate', gateValue: 'true' } },
    'no name': { metadata: { ruleID: 'a_rule', gateValue: 'true' } },
    'another kind of event': { eventName: 'statsig::diagnostics' },
    'an event of their own': { eventName: 'my_exposure' },
  })) {
    it(`that are not understood are passed on: ${name}`, () => {
      assert.equal(staying(gateExposure(changes), gateExposure(changes)), 2);
    });
  }

  it('are remembered only by what is handed back, and then left out', () => {
    const { exposures } = inspect(batchText([gateExposure(), customEvent(), configExposure()]));
    assert.equal(exposures.length, 2);
    const known = new Set(exposures);
    const again = inspect(batchText([gateExposure(), customEvent(), layerExposure()]), '', (id) =>
      known.has(id),
    );
    assert.equal(restOf(again.inspection), batchText([customEvent(), layerExposure()]));
    assert.equal(again.exposures.length, 1);
  });

  it('are all sent where that is asked for', () => {
    const { inspection, exposures } = inspectBody(
      { sdkKey: 'a', body: Buffer.from(batchText([gateExposure(), gateExposure()])), coding: '' },
      undefined,
      OPTIONS,
    );
    assert.deepEqual(inspection, { kind: 'batch', dropped: 0, rest: undefined });
    assert.deepEqual(exposures, []);
  });
});

test('what stays of a batch stays byte for byte, whatever is between its events', () => {
  const event = fc.oneof(
    fc.constantFrom(gateExposure(), configExposure(), layerExposure()).map((value) => JSON.stringify(value)),
    fc.jsonValue().map((value) => JSON.stringify({ eventName: 'e', value })),
    fc.constantFrom('{"n":12345678901234567890}', '{"n":1.50}', '{"s":"\\u00e9 é"}', '[]', '1e5'),
  );
  const space = fc.constantFrom('', ' ', '\n  ');
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), space, (events, between) => {
      const before = `${between}{"a":[1,{"events":[]}],"events":${between}`;
      const after = `${between},"z":1}`;
      const list = events.map((each) => between + each + between).join(',');
      const text = `${before}[${list}]${after}`;
      const { inspection } = inspect(text);
      const rest = restOf(inspection);
      const seen = new Set<string>();
      const expected = events.filter((each) => {
        if (!each.includes('_exposure"')) return true;
        if (seen.has(each)) return false;
        seen.add(each);
        return true;
      });
      if (expected.length === events.length) assert.equal(rest, undefined);
      else assert.equal(rest, `${before}[${expected.join(',')}]${after}`);
    }),
  );
});
