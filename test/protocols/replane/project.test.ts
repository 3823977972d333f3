// Projects from frames and back: byte for byte, whatever an origin sends, and which changes are news.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyFault } from '../../../src/domain/body-reader.js';
import type { Payload } from '../../../src/domain/payload.js';
import { EventReader } from '../../../src/http-client/event-reader.js';
import { changesSince, marksOf } from '../../../src/protocols/replane/project/changed-configs.js';
import type { ConfigSlice } from '../../../src/protocols/replane/project/config-slice.js';
import { changeFrame, initFrame, readFrame } from '../../../src/protocols/replane/project/frames.js';
import {
  changedPayload,
  projectOf,
  projectPayload,
  readProject,
} from '../../../src/protocols/replane/project/project.js';
import { projectLoss } from '../../../src/protocols/replane/project/project-loss.js';
import { ProjectReader } from '../../../src/protocols/replane/project/project-reader.js';

interface Written {
  readonly name: string;
  readonly text: string;
}

const space = fc.constantFrom('', ' ', '\t', '  ');
const written: fc.Arbitrary<Written> = fc
  .tuple(fc.string({ unit: 'grapheme' }), fc.jsonValue(), fc.array(fc.jsonValue()), space)
  .map(([name, value, overrides, gap]) => {
    const members = [`"name":${gap}${JSON.stringify(name)}`, `"value"${gap}:${JSON.stringify(value)}`];
    return {
      name,
      text: `{${gap}${[...members, `"overrides":${JSON.stringify(overrides)}`].join(`${gap},`)}${gap}}`,
    };
  });
const project = fc.uniqueArray(written, { selector: ({ name }) => name, maxLength: 8 });

function configsOf(data: string): readonly ConfigSlice[] {
  const frame = readFrame(Buffer.from(data));
  assert.ok(frame.kind === 'init');
  return frame.configs;
}

function initOf(configs: readonly Written[]): string {
  return `{"type":"init","configs":[${configs.map(({ text }) => text).join(',')}]}`;
}

function dataOf(frame: Buffer): string {
  const text = frame.toString();
  assert.match(text, /^data: [^\n\r]*\n\n$/);
  return text.slice('data: '.length, -2);
}

function changeOf(text: string): ConfigSlice {
  const frame = readFrame(Buffer.from(`{"type":"config_change","config":${text}}`));
  assert.ok(frame.kind === 'change');
  return frame.config;
}

function namesIn(frames: readonly Buffer[]): readonly string[] {
  return frames.map(
    (frame) => changeOf(JSON.stringify((JSON.parse(dataOf(frame)) as { config: object }).config)).name,
  );
}

function held(text: string, before?: Payload): Payload {
  return projectPayload(configsOf(text), before, (before?.version ?? 0) + 1);
}

test('what came is what is sent, byte for byte, wherever it was cut, and also after it was stored', () => {
  fc.assert(
    fc.property(project, fc.array(fc.nat({ max: 400 }), { maxLength: 5 }), (configs, cuts) => {
      const data = initOf(configs);
      const wire = Buffer.from(`: connected\n\ndata: ${data}\n\n`);
      const reader = new EventReader();
      const events: Buffer[] = [];
      let from = 0;
      for (const cut of [...cuts.sort((one, other) => one - other), wire.length]) {
        events.push(...reader.push(wire.subarray(from, cut)).map((event) => event.data));
        from = Math.max(from, Math.min(cut, wire.length));
      }
      assert.equal(events.length, 1);
      const payload = held(String(events[0]));
      assert.equal(dataOf(initFrame(projectOf(payload).list)), data);
      const stored = new ProjectReader(1_000_000);
      stored.push(payload.originForm.bytes);
      assert.equal(stored.end().isServable, true);
      const again = readProject(payload.originForm.bytes);
      assert.equal(dataOf(initFrame(again.list)), data);
      assert.deepEqual([...again.configs], [...projectOf(payload).configs]);
    }),
  );
});

test('bytes that are no frame, and stored bytes that are no project, are refused and do nothing else', () => {
  const frame = project.map((configs) => Buffer.from(initOf(configs)));
  const body = project.map((configs) => held(initOf(configs)).originForm.bytes);
  const damaged = fc
    .tuple(
      fc.oneof(frame, body),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    )
    .map(([bytes, changes]) => {
      const copy = Buffer.from(bytes);
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return copy;
    });
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        for (const read of [readFrame, readProject]) {
          try {
            read(bytes);
          } catch (error) {
            assert.ok(error instanceof BodyFault, String(error));
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('line breaks become spaces, and a config without a list of overrides gets an empty one', () => {
  const sent = (text: string): string =>
    dataOf(changeFrame(changeOf(text))).slice('{"type":"config_change","config":'.length, -1);
  assert.equal(
    sent('{"name":"a",\r\n"overrides":[],\n"value":1}'),
    '{"name":"a",  "overrides":[], "value":1}',
  );
  assert.equal(sent('{"name":"a","value":1.0}'), '{"name":"a","value":1.0,"overrides":[]}');
  assert.equal(sent('{"name":"a","overrides":null,"value":1.0}'), '{"name":"a","overrides":[],"value":1.0}');
  // Names that a parser alone can read.
  assert.equal(
    sent('{"n\\u0061me":"a","overrides":[],"value":1.0}'),
    '{"n\\u0061me":"a","overrides":[],"value":1.0}',
  );
  assert.deepEqual(JSON.parse(sent('{"name":"b","name":"a","value":1}')), {
    name: 'a',
    value: 1,
    overrides: [],
  });
});

test('what is no config, or no list of them, is refused', () => {
  for (const configs of ['[1]', '[{}]', '[{"name":1}]', '{}', 'null', '[{"n\\u0061me":1}]'])
    assert.throws(() => readFrame(Buffer.from(`{"type":"init","configs":${configs}}`)), BodyFault, configs);
  for (const data of ['{"type":"config_change"}', '{}', '[]', '"init"', '{"type":"init"}'])
    assert.throws(() => readFrame(Buffer.from(data)), BodyFault, data);
  assert.equal(readFrame(Buffer.from('{"type":"later","more":[1]}')).kind, 'unknown');
  for (const body of [
    '{"configs":[]}',
    '{"configs":[],"changes":[1]}',
    '{"configs":[{"name":"a"}],"changes":["x"]}',
  ])
    assert.throws(() => readProject(Buffer.from(body)), BodyFault, body);
  assert.throws(() => readProject(Buffer.from('{"configs":[\n],"changes":[]}')), BodyFault);
});

test('a change is news whatever its bytes; what is read again is news where its bytes differ', () => {
  const first = held(
    initOf([
      { name: 'a', text: '{"name":"a","value":1,"overrides":[]}' },
      { name: 'b', text: '{"name":"b","value":1,"overrides":[]}' },
    ]),
  );
  const same = changedPayload(first, changeOf('{"name":"a","value":1,"overrides":[]}'), 2);
  assert.deepEqual(namesIn(changesSince(marksOf(first), same)), ['a']);
  const added = changedPayload(same, changeOf('{"name":"c","value":1,"overrides":[]}'), 3);
  assert.deepEqual(namesIn(changesSince(marksOf(same), added)), ['c']);
  assert.deepEqual(namesIn(changesSince(marksOf(first), added)), ['a', 'c']);
  const again = held(dataOf(initFrame(projectOf(added).list)), added);
  assert.equal(again.originForm.etag, added.originForm.etag);
  assert.deepEqual(changesSince(marksOf(added), again), []);
  const without = held('{"type":"init","configs":[{"name":"b","value":2,"overrides":[]}]}', again);
  assert.deepEqual(namesIn(changesSince(marksOf(again), without)), ['b']);
  // Frames are made once for all clients that have the same.
  assert.equal(changesSince(marksOf(again), without), changesSince(marksOf(again), without));
});

test('10 MiB in 2,000 configs go through as they came', () => {
  const configs = Array.from({ length: 2_000 }, (_, index) => {
    const name = `config-${index}`;
    return {
      name,
      text: `{"name":"${name}","value":"${'ü"\\n'.replace('"', '\\"').repeat(900)}","overrides":[]}`,
    };
  });
  const data = initOf(configs);
  assert.ok(data.length > 8_000_000);
  const payload = held(data);
  assert.equal(dataOf(initFrame(projectOf(payload).list)), data);
  const next = changedPayload(payload, changeOf('{"name":"config-7","value":0,"overrides":[]}'), 2);
  assert.deepEqual(namesIn(changesSince(marksOf(payload), next)), ['config-7']);
  assert.equal(projectOf(next).configs.size, configs.length);
});

test('a loss is of configs that are gone, or of bytes in whole percents, whatever else is new', () => {
  const of = (...configs: readonly Written[]): Payload =>
    projectPayload(configsOf(initOf(configs)), undefined, 1);
  const config = (name: string, value: string): Written => ({
    name,
    text: `{"name":"${name}","value":"${value}","overrides":[]}`,
  });
  const [a, b, c, large] = [
    config('a', ''),
    config('b', ''),
    config('c', ''),
    config('a', 'x'.repeat(20_000)),
  ];
  assert.deepEqual(projectLoss(of(a, b), of(config('c', 'new'), b)), {
    what: 'lost 1 of 2 configs',
    percent: 50,
  });
  const before = of(large, b, c);
  for (const after of [of(a, b, c), of(a, config('b', 'changed'), c)]) {
    const { what, percent } = projectLoss(before, after);
    assert.equal(what, `lost 99 % of ${before.identityBytes} bytes`);
    assert.ok(percent > 98 && percent < 99.5, String(percent));
  }
  assert.equal(projectLoss(of(), of(a)).percent, 0);
  assert.equal(projectLoss(of(a), of(large)).percent, 0);
});
