// Spans on their way: bounded, in batches one after another, given up where they do not arrive, and sent at the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { SpanQueue } from '../../../src/observability/otlp/span-queue.js';
import { createTestLog } from '../../fakes/log-sink.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';

class Far {
  readonly batches: (readonly ReadableSpan[])[] = [];
  readonly #answers: ((arrived: boolean) => void)[] = [];

  send(batch: ReadableSpan[]): Promise<boolean> {
    this.batches.push(batch);
    return new Promise((resolve) => {
      this.#answers.push(resolve);
    });
  }

  async answer(hasArrived = true): Promise<void> {
    this.#answers.shift()?.(hasArrived);
    await settle();
  }

  get sizes(): readonly number[] {
    return this.batches.map(({ length }) => length);
  }
}

function open(): { readonly clock: ManualClock; readonly far: Far; readonly queue: SpanQueue } {
  const clock = new ManualClock();
  const far = new Far();
  return { clock, far, queue: new SpanQueue(clock, createTestLog(), far) };
}

function end(queue: SpanQueue, spans: number, traceFlags = TraceFlags.SAMPLED): void {
  for (let index = 0; index < spans; index += 1) {
    queue.onEnd({ spanContext: () => ({ traceId: '', spanId: '', traceFlags }) } as ReadableSpan);
  }
}

test('spans leave after five seconds, or as soon as there are 512', () => {
  const { clock, far, queue } = open();
  end(queue, 3);
  clock.advance(4_999);
  assert.deepEqual(far.sizes, []);
  clock.advance(1);
  assert.deepEqual(far.sizes, [3]);
  const other = open();
  end(other.queue, 512);
  assert.deepEqual(other.far.sizes, [512]);
});

test('while a batch is under way the next ones wait, up to 2048 spans; what comes beyond is counted', async () => {
  const { far, queue } = open();
  end(queue, 512);
  end(queue, 2_048 + 7);
  assert.deepEqual(far.sizes, [512]);
  assert.equal(queue.dropped, 7);
  for (let batch = 0; batch < 4; batch += 1) await far.answer();
  assert.deepEqual(far.sizes, [512, 512, 512, 512, 512]);
});

test('a batch that does not arrive is given up and counted', async () => {
  const { clock, far, queue } = open();
  end(queue, 3);
  clock.advance(5_000);
  await far.answer(false);
  assert.equal(queue.dropped, 3);
  end(queue, 1);
  clock.advance(5_000);
  assert.deepEqual(far.sizes, [3, 1]);
});

test('at the end everything is sent, one batch after another, and later spans are not taken', async () => {
  const { far, queue } = open();
  end(queue, 512);
  end(queue, 600);
  const closed = queue.shutdown();
  await far.answer();
  await far.answer();
  await far.answer();
  await closed;
  assert.deepEqual(far.sizes, [512, 512, 88]);
  end(queue, 1);
  assert.equal(queue.dropped, 1);
});

test('spans of traces that nobody wants are not sent', () => {
  const { clock, far, queue } = open();
  end(queue, 600, TraceFlags.NONE);
  clock.advance(60_000);
  assert.deepEqual([far.sizes, queue.dropped], [[], 0]);
});
