// Events under SFP's names: their tags are found once for all sinks, and nothing is made where they were found before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SdkKeyForms } from '../../src/observability/sdk-key-forms.js';
import { SfpEvents, type SfpSink } from '../../src/observability/sfp-events.js';
import { SfpTags, type TaggedMetric } from '../../src/observability/sfp-tags.js';

const ROUND = 50_000;
const FIELDS = {
  sdkKey: 'secret-abcdefghijklmnopqrstuvwxyz0123456789',
  path: '/v1/x',
  lcut: 1_700_000_000_000,
  status: 200,
  acceptEncoding: 'gzip',
  contentEncoding: 'none',
  sdkType: 'node',
  sdkVersion: '1',
  clientService: 'unknown',
  responsePayload: 'no_update',
  latencyMs: 1,
} as const;

class Sink implements SfpSink {
  readonly taken: TaggedMetric[] = [];

  record(metric: TaggedMetric): void {
    this.taken.push(metric);
  }
}

test('each sink is given the same metric, time and again, and none for an event that SFP does not know', () => {
  const [left, right] = [new Sink(), new Sink()];
  const events = new SfpEvents(new SfpTags(new SdkKeyForms('sfp')), [left, right]);
  events.record('HttpServerRequestSuccess', FIELDS);
  events.record('HttpServerRequestSuccess', { ...FIELDS });
  events.record('GrpcCallAnswered', { method: 'x', status: 0, latencyMs: 1 });
  assert.equal(left.taken.length, 2);
  assert.deepEqual(left.taken, right.taken);
  assert.equal(new Set([...left.taken, ...right.taken]).size, 1);
  const [metric] = left.taken;
  assert.equal(metric?.name, 'statsig.forward_proxy.HttpServerRequestSuccess.latency');
  assert.equal(metric.operation, 'latency');
});

test('finding the tags of an event makes nothing where they were found before', () => {
  const events = new SfpEvents(new SfpTags(new SdkKeyForms('sfp')), [{ record: () => undefined }]);
  const record = (): number => {
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < ROUND; index += 1) events.record('HttpServerRequestSuccess', FIELDS);
    return (process.memoryUsage().heapUsed - before) / ROUND;
  };
  // As in metrics.test.ts: the first rounds are not compiled yet, and a collection makes one less than 0.
  const perEvent = Array.from({ length: 20 }, record).filter((bytes) => bytes >= 0);
  assert.ok(Math.min(...perEvent) < 24, perEvent.join());
});
