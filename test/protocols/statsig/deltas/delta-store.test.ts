// The store of deltas: whatever versions come and go, a delta leads from what the client names to what is held; kept within bounds.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { BodyForms } from '../../../../src/bodies/body-forms.js';
import type { HeldPayload } from '../../../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import { toEtag } from '../../../../src/domain/etag.js';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import type { Payload } from '../../../../src/domain/payload.js';
import { DeltaStore, type DeltaAnswer } from '../../../../src/protocols/statsig/deltas/delta-store.js';
import { SPEC_V1, SPEC_V2 } from '../../../../src/protocols/statsig/resource-kinds.js';
import { Gate } from '../../../fakes/gate.js';
import { createTestLog, LogSink } from '../../../fakes/log-sink.js';
import { applied, checksumOf, envelopesOf, type Spec } from './spec-model.js';

const KEY: PayloadKey = { sdkKey: 'secret-deltas', kind: SPEC_V2, format: 'protobuf' };
const LIMIT = createConcurrencyLimit(2);
/** The same in all versions, and poorly compressed: a delta without it is smaller. */
const BALLAST = createHash('sha512').update('ballast').digest('hex').repeat(8);

function specOf(version: number): Spec {
  const items = new Map([['4 ballast', { checksum: 7, data: BALLAST }]]);
  items.set(`3 gate-${version % 3}`, { checksum: version, data: `of ${version}` });
  return { time: version, topLevel: `rest of ${version}`, items };
}

function payloadOf(spec: Spec, changes: Partial<Payload> = {}): Payload {
  const envelopes = envelopesOf(spec);
  const bytes = brotliCompressSync(envelopes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  return {
    format: 'protobuf',
    version: spec.time,
    originForm: { encoding: 'br', bytes, etag: toEtag(createHash('sha256').update(bytes)) },
    identityBytes: envelopes.length,
    checksum: checksumOf(spec.topLevel),
    ...changes,
  };
}

function holding(payload: Payload, key = KEY): HeldPayload {
  const forms = new BodyForms(payload, LIMIT);
  return { key, payload, forms, confirmedAtMs: 0, relayedMs: 0, askedAtMs: 0, source: 'origin' };
}

/** What is asked of the store of payloads, by hand. */
class Bench {
  readonly store: DeltaStore;
  readonly logs = new LogSink();
  held: HeldPayload;
  isHeld = true;

  constructor(version: number, bytesMax?: number, limit = LIMIT) {
    this.store = new DeltaStore(createTestLog(this.logs), limit, () => this.isHeld, bytesMax);
    this.held = holding(payloadOf(specOf(version)));
  }

  update(version: number, payload = payloadOf(specOf(version))): void {
    const replaced = this.held;
    this.held = holding(payload);
    this.store.updated(this.held, replaced);
  }

  ask(version: number, checksum = checksumOf(specOf(version).topLevel)): DeltaAnswer | Promise<DeltaAnswer> {
    return this.store.answer(this.held, version, checksum);
  }
}

function resultOf(answer: DeltaAnswer, base: number): number {
  if (typeof answer === 'string') assert.fail(answer);
  assert.equal(answer.encoding, 'br');
  const spec = applied(brotliDecompressSync(answer.bytes), specOf(base));
  assert.deepEqual(spec, specOf(spec.time));
  return spec.time;
}

test('a client that names a version that was held gets the delta from it, made once', async () => {
  const bench = new Bench(1);
  assert.equal(bench.ask(0), 'missing_caller_checksum');
  bench.update(2);
  const answers = await Promise.all([bench.ask(1), bench.ask(1)]);
  assert.equal(answers[0], answers[1]);
  assert.equal(resultOf(answers[0], 1), 2);
  assert.equal(bench.ask(1), answers[0], 'at once from now on');
});

test('nothing is kept before a client asks for a delta', () => {
  const bench = new Bench(1);
  bench.update(2);
  assert.deepEqual(bench.store.gauge.entries, 0);
  assert.equal(bench.ask(1), 'no_cached');
});

test('what left while a client waited for it is not remembered', () => {
  const bench = new Bench(1);
  bench.isHeld = false;
  assert.equal(bench.ask(1), 'no_cached');
  bench.isHeld = true;
  bench.update(2);
  assert.equal(bench.store.gauge.entries, 0);
});

test('whoever gets the whole spec is told why', async () => {
  const bench = new Bench(10);
  const { store, held } = bench;
  assert.equal(store.answer({ ...held, key: { ...KEY, kind: SPEC_V1 } }, 5, 'c'), 'unsupported_path');
  assert.equal(store.answer({ ...held, key: { ...KEY, format: 'json' } }, 5, 'c'), 'supports_proto_required');
  assert.equal(store.answer(held, 5, undefined), 'missing_caller_checksum');
  assert.equal(store.answer(held, 5, 'c'), 'no_cached');
  bench.update(20);
  assert.equal(bench.ask(5), 'before_earliest_lcut');
  assert.equal(bench.ask(15), 'no_cached');
  assert.equal(bench.ask(10, 'another'), 'first_baseline_checksum_mismatch');
  // No smaller than the whole.
  const small = new Bench(1);
  void small.ask(1);
  const tiny: Spec = { time: 2, topLevel: '', items: new Map() };
  small.update(2, payloadOf(tiny));
  assert.equal(await small.ask(1), 'unclassified');
  // Not understood; it is not tried again.
  const odd = new Bench(1);
  void odd.ask(1);
  odd.update(2, payloadOf({ ...specOf(2), items: new Map([['8 x', { checksum: 1, data: BALLAST }]]) }));
  assert.equal(await odd.ask(1), 'unclassified');
  assert.equal(odd.ask(1), 'unclassified');
});

test('a version without a checksum, or in JSON, is neither base nor result', async () => {
  for (const changes of [{ checksum: undefined }, { format: 'json' }] as const) {
    const bench = new Bench(1);
    void bench.ask(1);
    bench.update(2, payloadOf(specOf(2), changes));
    assert.equal(await bench.ask(1), 'unclassified');
    bench.update(3);
    assert.equal(bench.ask(2), 'no_cached');
    assert.equal(resultOf(await bench.ask(1), 1), 3);
  }
});

test('a delta that cannot be made is told, and tried again by the next', async () => {
  const bench = new Bench(1);
  void bench.ask(1);
  const good = payloadOf(specOf(2));
  bench.update(2, { ...good, originForm: { ...good.originForm, bytes: Buffer.from('no brotli') } });
  assert.equal(await bench.ask(1), 'unclassified');
  assert.equal(bench.logs.lines.length, 1);
  assert.equal(await bench.ask(1), 'unclassified');
  assert.equal(bench.logs.lines.length, 2);
});

test('a delta that is made while a newer version comes is never given for that one', async () => {
  const gate = new Gate();
  const release = gate.hold();
  const held = createConcurrencyLimit(1);
  void held(() => gate.opened);
  const bench = new Bench(1, undefined, held);
  void bench.ask(1);
  bench.update(2);
  const early = bench.ask(1);
  bench.update(3);
  const late = bench.ask(1);
  release();
  assert.equal(resultOf(await early, 1), 2);
  assert.equal(resultOf(await late, 1), 3);
  assert.equal(resultOf(await bench.ask(1), 1), 3);
});

test('whatever comes and goes, a delta leads to what is held, and the bounds are kept', async () => {
  const ROOM = payloadOf(specOf(1)).originForm.bytes.length * 3;
  const step = fc.oneof(
    fc.integer({ min: 1, max: 3 }).map((by) => ({ kind: 'update', by }) as const),
    fc.nat({ max: 6 }).map((back) => ({ kind: 'ask', back }) as const),
    fc.constant({ kind: 'remove' } as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, isTight) => {
      const bench = new Bench(100, isTight ? ROOM : undefined);
      const asked: Promise<void>[] = [];
      for (const each of steps) {
        if (each.kind === 'update') bench.update(bench.held.payload.version + each.by);
        else if (each.kind === 'remove') bench.store.removed(KEY);
        else {
          const [base, result] = [bench.held.payload.version - each.back, bench.held.payload.version];
          const check = async (): Promise<void> => {
            const answer = await bench.ask(base);
            if (typeof answer !== 'string') assert.equal(resultOf(answer, base), result);
          };
          asked.push(check());
        }
        assert.ok(bench.store.gauge.entries <= bench.store.gauge.entriesMax);
      }
      await Promise.all(asked);
      assert.ok(bench.store.gauge.entries <= bench.store.gauge.entriesMax);
      bench.store.removed(KEY);
      assert.equal(bench.store.gauge.entries, 0);
      assert.deepEqual(bench.logs.lines, []);
    }),
  );
});

test('of one payload the last four versions are kept', async () => {
  const bench = new Bench(1);
  void bench.ask(1);
  for (let version = 2; version <= 8; version += 1) bench.update(version);
  assert.equal(bench.ask(3), 'before_earliest_lcut');
  for (const base of [4, 5, 6, 7]) assert.equal(resultOf(await bench.ask(base), base), 8);
});
