// Specs as what stands in them, the envelopes of one, and what an SDK makes of a delta: written from its source, not from ours.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  ENVELOPE,
  EnvelopeSplitter,
  readEnvelope,
} from '../../../../src/protocols/statsig/spec-body/spec-envelopes.js';
import { readFields } from '../../../../src/protocols/statsig/spec-body/protobuf-fields.js';
import { delimited, message } from '../../../../src/protocols/statsig/spec-body/protobuf-writer.js';

export interface Item {
  readonly checksum: number;
  readonly data: string;
}

/** Items by kind and name, as `3 name`. */
export interface Spec {
  readonly time: number;
  readonly topLevel: string;
  readonly items: ReadonlyMap<string, Item>;
}

const ITEM_KINDS = [3, 4, 5, 6, 7];

/** An item with other data has another checksum, as the origin makes them. */
const item = fc.nat({ max: 5 }).map((number): Item => ({
  checksum: number === 0 ? 0 : 4_294_967_295 - number,
  data: 'x'.repeat(number * 7),
}));
const itemName = fc.tuple(
  fc.constantFrom(...ITEM_KINDS),
  fc.constantFrom('', 'a', 'b', 'é', '__proto__', 'DONE'),
);

export const specs = fc
  .tuple(fc.string(), fc.array(fc.tuple(itemName, item)))
  .map(([topLevel, items]): Spec => {
    const entries = items.map(([[kind, name], each]) => [`${kind} ${name}`, each] as const);
    return { time: 1_700_000_000_000, topLevel, items: new Map(entries) };
  });

export function envelopesOf({ time, topLevel, items }: Spec): Buffer {
  const top = message([1, true], [2, time], [4, 'dcs-v2'], [5, checksumOf(topLevel)], [7, topLevel]);
  return Buffer.concat([
    delimited(message([1, ENVELOPE.topLevel], [2, 'TOP_LEVEL'], [4, top])),
    ...[...items].map(([id, { checksum, data }]) => {
      const [, kind = '', name = ''] = /^(\d) (.*)$/s.exec(id) ?? [];
      return delimited(message([1, Number(kind)], [2, name], [3, String(checksum)], [4, data]));
    }),
    delimited(message([1, ENVELOPE.done], [2, 'DONE'], [4, ''])),
  ]);
}

/** What TOP_LEVEL states. */
export function checksumOf(topLevel: string): string {
  return `c${Buffer.from(topLevel).toString('hex').slice(0, 40)}`;
}

const FIELD_NAMES: Readonly<Record<number, string>> = {
  3: 'feature_gates',
  4: 'dynamic_configs',
  5: 'layer_configs',
  6: 'param_stores',
  7: 'condition_map',
};
const DELETION_FIELDS: Readonly<Record<number, number>> = { 1: 4, 2: 3, 3: 5, 5: 7, 7: 6 };

/** What an SDK that holds `base` has after it; fails where the SDK would reject it. `base` undefined: it has nothing. */
export function applied(bytes: Buffer, base: Spec | undefined): Spec {
  let time = 0;
  let topLevel = '';
  let items = new Map<string, Item>();
  const seen = { sums: base === undefined, done: false };
  const splitter = new EnvelopeSplitter(bytes.length, (envelope) => {
    const { kind, name, checksum, data } = readEnvelope(envelope);
    const text = (part: Uint8Array | undefined): string => Buffer.from(part ?? []).toString();
    if (kind === ENVELOPE.done) seen.done = true;
    else if (kind === ENVELOPE.copyPrevious) items = new Map(base?.items);
    else if (kind === ENVELOPE.topLevel) [time, topLevel] = readTop(data);
    else if (kind === ENVELOPE.deletions) {
      for (const { number, value } of readFields(data ?? Buffer.alloc(0))) {
        items.delete(`${DELETION_FIELDS[number]} ${text(value as Uint8Array)}`);
      }
    } else if (kind === ENVELOPE.checksums) {
      assert.deepEqual(readSums(data), sumsOf(items));
      seen.sums = true;
    } else items.set(`${kind} ${text(name)}`, { checksum: Number(text(checksum)), data: text(data) });
    return !seen.done;
  });
  splitter.push(bytes);
  assert.deepEqual(seen, { sums: true, done: true });
  return { time, topLevel, items };
}

function readTop(data: Uint8Array | undefined): [number, string] {
  let [time, rest] = [0, ''];
  for (const { number, value } of readFields(data ?? Buffer.alloc(0))) {
    if (number === 2) time = value as number;
    if (number === 7) rest = Buffer.from(value as Uint8Array).toString();
  }
  return [time, rest];
}

function readSums(data: Uint8Array | undefined): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { value } of readFields(data ?? Buffer.alloc(0))) {
    const [key, sum] = [...readFields(value as Uint8Array)];
    sums[Buffer.from(key?.value as Uint8Array).toString()] = sum?.value as number;
  }
  return sums;
}

function sumsOf(items: ReadonlyMap<string, Item>): Record<string, number> {
  const sums = Object.fromEntries(Object.values(FIELD_NAMES).map((name) => [name, 0]));
  for (const [id, { checksum }] of items) {
    const name = FIELD_NAMES[Number(id[0])] ?? '';
    sums[name] = (sums[name] ?? 0) + checksum;
  }
  return sums;
}
