// The JSON scanner agrees with JSON.parse on what is JSON and on the values it reads, however the text is cut.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createJsonSpecReader } from '../../src/protocols/statsig/spec-body/json-spec-reader.js';
import { ARRAY_BYTES_MAX, JSON_ARRAY } from '../../src/json/json-members.js';
import { JsonScanner } from '../../src/json/json-scanner.js';
import { BodyFault } from '../../src/domain/body-reader.js';

const WANTED = ['time', 'has_updates', 'is_delta'];

function scan(pieces: readonly Uint8Array[]): ReadonlyMap<string, unknown> | 'fault' {
  const scanner = new JsonScanner(WANTED);
  try {
    for (const piece of pieces) scanner.push(piece);
    return scanner.end();
  } catch (error) {
    assert.ok(error instanceof BodyFault);
    return 'fault';
  }
}

/** What JSON.parse makes of the same text: the wanted members of an object, without what is in objects and arrays. */
function parse(text: string): Map<string, unknown> | 'fault' {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'fault';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'fault';
  const members = Object.entries(value).filter(([name]) => WANTED.includes(name));
  return new Map(members.map(([name, member]) => [name, withoutContent(member)]));
}

function withoutContent(value: unknown): unknown {
  if (Array.isArray(value)) return JSON_ARRAY;
  return typeof value === 'object' && value !== null ? undefined : value;
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort(
    (left, right) => left - right,
  );
  const ends = [...places, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

function assertAgrees(text: string, at: readonly number[]): void {
  assert.deepEqual(scan(cut(Buffer.from(text), at)), parse(text), text);
}

const places = fc.array(fc.nat(10_000), { maxLength: 6 });
const objectText = fc
  .tuple(
    fc.dictionary(fc.oneof(fc.constantFrom(...WANTED), fc.string()), fc.jsonValue({ maxDepth: 4 }), {
      maxKeys: 8,
    }),
    fc.constantFrom(undefined, 1, '\t'),
  )
  .map(([value, indent]) => JSON.stringify(value, null, indent));

describe('agreement with JSON.parse', () => {
  test('on any JSON object, cut anywhere', () => {
    fc.assert(fc.property(objectText, places, assertAgrees), { numRuns: 2_000 });
  });

  test('on JSON with one character put in, taken out or changed', () => {
    const character = fc.oneof(
      fc.constantFrom(...Array.from('{}[]",:\\/-+.0123456789eEtrufalsn \t\n')),
      fc.string({ maxLength: 1 }),
    );
    fc.assert(
      fc.property(objectText, fc.nat(), fc.nat(1), character, places, (text, where, drop, put, at) => {
        const index = where % (text.length + 1);
        assertAgrees(text.slice(0, index) + put + text.slice(index + drop), at);
      }),
      { numRuns: 5_000 },
    );
  });

  test('on numbers and near-numbers', () => {
    const characters = fc.array(fc.constantFrom(...Array.from('0123456789-+.eE')), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(characters, places, (number, at) => {
        assertAgrees(`{"time":${number.join('')}}`, at);
        assertAgrees(`{"a":{"b":${number.join('')}},"c":[[${number.join('')},1]]}`, at);
      }),
      { numRuns: 5_000 },
    );
  });

  test('on brackets in any order, and what may stand between them', () => {
    const pieces = fc.array(fc.constantFrom('{', '}', '[', ']', '"a":', '"b"', ',', '0', 'true', ' '), {
      maxLength: 14,
    });
    fc.assert(
      fc.property(pieces, places, (parts, at) => {
        assertAgrees(`{"a":[${parts.join('')}]}`, at);
        assertAgrees(`{"a":{${parts.join('')}}}`, at);
        assertAgrees(`{${parts.join('')}}`, at);
      }),
      { numRuns: 5_000 },
    );
  });

  test('on strings with escapes', () => {
    const pieces = fc.array(
      fc.constantFrom('\\', '"', 'u', '00', 'e9', 'n', '\u001f', ' ', 'é', '\\u00e9', '\\"', '\\n'),
    );
    fc.assert(
      fc.property(pieces, places, (parts, at) => {
        assertAgrees(`{"time":"${parts.join('')}"}`, at);
        assertAgrees(`{"a":{"${parts.join('')}":["${parts.join('')}"]}}`, at);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('strings are read four bytes at a time', () => {
  /** In pieces of one byte there is no word to read, so that is the plain way. */
  function assertSameByBytes(body: Uint8Array, at: readonly number[]): void {
    const bytes = Array.from(body, (byte) => Uint8Array.of(byte));
    assert.deepEqual(scan(cut(body, at)), scan(bytes), Buffer.from(body).toString('latin1'));
  }

  test('any byte at any place of a word', () => {
    const plain = Buffer.from('abcdefghijkl');
    for (let byte = 0; byte <= 0xff; byte += 1) {
      for (let at = 0; at < plain.length; at += 1) {
        const text = Buffer.concat([plain.subarray(0, at), Buffer.of(byte), plain.subarray(at)]);
        // In a name, in a member's value and in an element.
        for (const [before, after] of [
          ['{"a":{"', '":1}}'],
          ['{"a":{"b":"', '"}}'],
          ['{"a":["', '"]}'],
        ] as const) {
          const body = Buffer.concat([Buffer.from(before), text, Buffer.from(after)]);
          assertSameByBytes(body, []);
          if (byte < 0x80) assert.deepEqual(scan([body]), parse(body.toString()), body.toString());
        }
      }
    }
  });

  test('any bytes, cut anywhere', () => {
    const byte = fc.oneof(
      fc.constantFrom(...Buffer.from('"\\ !#]^u0\u001f\u0020\u0021\u0000\u007f')),
      fc.constantFrom(0x80, 0xa2, 0xdc, 0xff),
      fc.nat({ max: 0xff }),
    );
    const texts = fc.array(fc.array(byte, { maxLength: 24 }), { maxLength: 4 });
    fc.assert(
      fc.property(texts, fc.boolean(), places, (parts, isArray, at) => {
        const strings = parts.map((part) =>
          Buffer.concat([Buffer.from('"'), Buffer.from(part), Buffer.from('"')]),
        );
        const between = Buffer.from(',');
        const list = Buffer.concat(
          strings.flatMap((text, index) => (index === 0 ? [text] : [between, text])),
        );
        const [open, close] = isArray ? ['{"a":[', '],"time":3}'] : ['{"a":{"b":', '},"time":3}'];
        assertSameByBytes(Buffer.concat([Buffer.from(open), list, Buffer.from(close)]), at);
      }),
      { numRuns: 5_000 },
    );
  });

  test('a JSON body with bytes changed, cut anywhere', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 0xff })), { maxLength: 3 });
    fc.assert(
      fc.property(objectText, changes, places, (text, changed, at) => {
        const body = Buffer.from(text);
        for (const [where, byte] of changed) body[where % body.length] = byte;
        assertSameByBytes(body, at);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('single findings', () => {
  const SAME: readonly string[] = [
    '{"time":1,"time":2}',
    '{"ti\\u006de":7}',
    '{"a":{"time":1}}',
    '{"time":[1],"x":2}',
    '{"time":{"time":3}}',
    ' \n{ } \t',
    '{}{}',
    '{"a":01}',
    '{"a":nul}',
    '{"a":[}',
    '{"a":1]',
    '[{"time":1}]',
    '"time"',
    '\ufeff{}',
    '{"a":1e400}',
  ];
  for (const text of SAME) {
    test(`${JSON.stringify(text)} is read as JSON.parse reads it`, () => {
      assertAgrees(text, [1, 3]);
    });
  }

  test('512 levels are read, one more is refused', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    assert.notEqual(scan([Buffer.from(nested(512))]), 'fault');
    assert.equal(scan([Buffer.from(nested(513))]), 'fault');
  });

  test('a wanted value too long to be one is passed over', () => {
    const members = scan([Buffer.from(`{"time":"${'x'.repeat(300)}","has_updates":true}`)]);
    assert.notEqual(members, 'fault');
    assert.deepEqual(
      [...(members as Map<string, unknown>)],
      [
        ['time', undefined],
        ['has_updates', true],
      ],
    );
  });
});

describe('facts of a JSON spec', () => {
  function facts(bytes: Uint8Array): object {
    const reader = createJsonSpecReader();
    for (const byte of bytes) reader.push(Uint8Array.of(byte));
    return reader.end();
  }

  test('has_updates and time are read, whatever else is there', () => {
    assert.deepEqual(facts(Buffer.from('{"a":[{"time":9}],"has_updates":true,"time":1750000000000}')), {
      hasUpdates: true,
      time: 1_750_000_000_000,
      checksum: undefined,
      isDelta: false,
      namedValues: [],
    });
  });

  test('a time that is no safe integer of 0 or more is none', () => {
    for (const time of ['-1', '1.5', '9007199254740993', '"5"', 'null', '1e400']) {
      assert.deepEqual(facts(Buffer.from(`{"has_updates":true,"time":${time}}`)), {
        hasUpdates: true,
        time: undefined,
        checksum: undefined,
        isDelta: false,
        namedValues: [],
      });
    }
  });

  test('a checksum is what the body states, where a header can say it', () => {
    const checksumOf = (json: string): unknown =>
      (facts(Buffer.from(`{"has_updates":true,"time":1,"checksum":${json}}`)) as { checksum: unknown })
        .checksum;
    for (const text of ['13748926', 'a-b_c.d~', '!'.repeat(128)]) {
      assert.equal(checksumOf(JSON.stringify(text)), text);
    }
    for (const json of ['5', 'null', '""', '" 1"', '"1\\n2"', '"\\u00e9"', '["1"]', `"${'1'.repeat(129)}"`]) {
      assert.equal(checksumOf(json), undefined, json);
    }
  });

  test('a body that is not UTF-8 is refused wherever it is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), places, (bytes, at) => {
        const body = Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('"}')]);
        const reader = createJsonSpecReader();
        const isText = isUtf8Text(body);
        const read = (): unknown => {
          for (const piece of cut(body, at)) reader.push(piece);
          return reader.end();
        };
        if (!isText) assert.throws(read, BodyFault);
        else if (parse(body.toString()) === 'fault') assert.throws(read, BodyFault);
        else assert.doesNotThrow(read);
      }),
      { numRuns: 3_000 },
    );
  });

  function isUtf8Text(bytes: Uint8Array): boolean {
    try {
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  }
});

test('a wanted array is read whole, wherever the text is cut, unless it is too long', () => {
  const value = fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue());
  const members = fc.dictionary(fc.constantFrom('a', 'wanted', 'b', 'wanted2'), value);
  fc.assert(
    fc.property(members, fc.array(fc.nat({ max: 300 }), { maxLength: 5 }), (object, cuts) => {
      const bytes = Buffer.from(JSON.stringify(object));
      const whole = new JsonScanner([], ['wanted']);
      let from = 0;
      for (const cut of [...cuts.sort((one, other) => one - other), bytes.length]) {
        whole.push(bytes.subarray(from, cut));
        from = Math.max(from, Math.min(cut, bytes.length));
      }
      const read = whole.end();
      const { wanted } = object;
      if (Array.isArray(wanted)) assert.deepEqual(read.get('wanted'), JSON.parse(JSON.stringify(wanted)));
      else assert.ok(!Array.isArray(read.get('wanted')));
      assert.ok([...read.keys()].every((name) => name === 'wanted'));
    }),
  );
  const long = new JsonScanner([], ['wanted']);
  long.push(Buffer.from(JSON.stringify({ wanted: ['x'.repeat(ARRAY_BYTES_MAX)] })));
  assert.equal(long.end().get('wanted'), JSON_ARRAY);
});
