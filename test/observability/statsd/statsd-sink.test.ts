// Latencies as lines: bounded datagrams that leave in time, tags that no client can break, and nothing after the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../../src/observability/logger.js';
import { SdkKeyForms } from '../../../src/observability/sdk-key-forms.js';
import { SfpEvents } from '../../../src/observability/sfp-events.js';
import { SfpTags } from '../../../src/observability/sfp-tags.js';
import { StatsdSink } from '../../../src/observability/statsd/statsd-sink.js';
import { LogSink } from '../../fakes/log-sink.js';
import { ManualClock } from '../../fakes/manual-clock.js';

interface Bench {
  readonly clock: ManualClock;
  readonly events: SfpEvents;
  readonly sink: StatsdSink;
  readonly datagrams: string[];
}

function createBench(datagramBytesMax = 1_432): Bench {
  const clock = new ManualClock();
  const datagrams: string[] = [];
  const log = createLogger(new LogSink(), { level: 'info', instanceName: 'x', version: '0' });
  const sender = {
    send: (datagram: Buffer, done: () => void) => {
      datagrams.push(datagram.toString());
      done();
    },
    close: () => undefined,
  };
  const sink = new StatsdSink(clock, log, sender, {
    isDatadog: false,
    address: 'receiver',
    globalTags: ['env:test'],
    datagramBytesMax,
    datagramMs: 1_000,
    sumMs: 10_000,
    sumsMax: 10,
    retriesMax: 0,
    firstRetryMs: 10,
  });
  const events = new SfpEvents(new SfpTags(new SdkKeyForms('sfp')), [sink]);
  return { clock, events, sink, datagrams };
}

test('a latency leaves with the datagram that it fits into, or after a while', async () => {
  const { clock, events, sink, datagrams } = createBench(400);
  const record = (latencyMs: number): void => {
    events.record('HttpServerRequestFailed', { latencyMs, status: 404 });
  };
  record(1.23456);
  clock.advance(999);
  assert.deepEqual(datagrams, []);
  clock.advance(1);
  const line =
    'statsig.forward_proxy.HttpServerRequestFailed.latency:1.235|ms|#sdk_key:none,path:other,lcut:0,status_code:404,env:test\n';
  assert.deepEqual(datagrams, [line]);
  for (let count = 0; count < 10; count += 1) record(2);
  assert.equal(datagrams.length, 4, 'three lines fit into one');
  assert.ok(datagrams.every((datagram) => Buffer.byteLength(datagram) <= 400));
  await sink.close();
  assert.equal(datagrams.join('').split('\n').length - 1, 11);
});

test('after the end nothing is sent, and nothing breaks', async () => {
  const { clock, events, sink, datagrams } = createBench();
  await sink.close();
  events.record('HttpServerRequestSuccess', { latencyMs: 1 });
  events.record('GrpcStreamingStreamDisconnected', {});
  clock.advance(60_000);
  assert.deepEqual(datagrams, []);
});

test('whatever clients send, a line stays one line with its tags, the first time and again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (sdkType) => {
      const { clock, events, datagrams } = createBench(8_000);
      for (let count = 0; count < 2; count += 1) {
        events.record('HttpServerRequestSuccess', { latencyMs: 1, sdkType });
      }
      clock.advance(1_000);
      const lines = datagrams.join('').split('\n');
      assert.equal(lines.length, 3);
      assert.equal(lines[0], lines[1]);
      const [, , tags = ''] = (lines[0] ?? '').split('|');
      assert.deepEqual(
        tags.split(',').map((tag) => tag.split(':')[0]),
        ['#sdk_key', 'path', 'lcut', 'sdk_type', 'env'],
      );
      assert.equal((lines[0] ?? '').split('|').length, 3);
    }),
  );
});
