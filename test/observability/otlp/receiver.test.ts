// A receiver that is away, slow, silent or refusing: one export at a time, each with an end, told once, and taken again when it is back.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, DataPointType, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { systemClock } from '../../../src/domain/clock.js';
import type { OtlpProtocol, OtlpWay } from '../../../src/observability/otlp/otlp-options.js';
import { METRICS, Receiver } from '../../../src/observability/otlp/receiver.js';
import { eventually } from '../../e2e/deadline.js';
import { createTestLog, LogSink } from '../../fakes/log-sink.js';
import { OtlpReceiver, type Behaviour } from '../../fakes/otlp/otlp-receiver.js';

const AWAY = 'telemetry does not reach the OpenTelemetry receiver';
const BACK = 'telemetry reaches the OpenTelemetry receiver again';
const TIMEOUT_MS = 300;

const DATA: ResourceMetrics = {
  resource: resourceFromAttributes({}),
  scopeMetrics: [
    {
      scope: { name: 'test' },
      metrics: [
        {
          descriptor: { name: 'one', description: '', unit: '', valueType: ValueType.DOUBLE },
          aggregationTemporality: AggregationTemporality.CUMULATIVE,
          dataPointType: DataPointType.GAUGE,
          dataPoints: [{ startTime: [0, 0], endTime: [1, 0], attributes: {}, value: 1 }],
        },
      ],
    },
  ],
};

interface Scene {
  readonly far: OtlpReceiver;
  readonly near: Receiver<ResourceMetrics>;
  readonly logs: LogSink;
}

async function meet(t: TestContext, protocol: OtlpProtocol): Promise<Scene> {
  const far = await OtlpReceiver.start({ isGrpc: protocol === 'grpc' });
  const logs = new LogSink();
  const near = new Receiver(systemClock, createTestLog(logs), wayTo(far, protocol), METRICS);
  t.after(async () => {
    near.close();
    await far.close();
  });
  return { far, near, logs };
}

function wayTo(far: OtlpReceiver, protocol: OtlpProtocol): OtlpWay {
  return {
    protocol,
    url: protocol === 'grpc' ? far.url : `${far.url}/v1/metrics`,
    headers: {},
    timeoutMs: TIMEOUT_MS,
    compression: 'none',
    tls: {},
  };
}

const TROUBLES: readonly (readonly [OtlpProtocol, Behaviour])[] = [
  ['http/protobuf', 'silent'],
  ['http/protobuf', 'drips'],
  ['http/protobuf', 'resets'],
  ['http/protobuf', 'refuses'],
  ['http/json', 'later'],
  ['grpc', 'silent'],
  ['grpc', 'refuses'],
];

for (const [protocol, behaviour] of TROUBLES) {
  test(`${protocol}, a receiver that ${behaviour}: each export ends, the first failure is told, and so is the recovery`, async (t) => {
    const { far, near, logs } = await meet(t, protocol);
    far.behaviour = behaviour;
    for (let round = 0; round < 3; round += 1) assert.equal(await near.send(DATA), false);
    assert.equal(logs.withMessage(AWAY).length, 1);
    assert.ok((near.failingSinceMs ?? 0) > 0);
    assert.ok(far.attempts >= 3, String(far.attempts));
    far.behaviour = 'takes';
    await eventually('an export that arrives', () => near.send(DATA));
    assert.equal(far.total('one').value, 1);
    assert.equal(near.failingSinceMs, undefined);
    assert.equal(logs.withMessage(BACK).length, 1);
    far.behaviour = behaviour;
    assert.equal(await near.send(DATA), false);
    assert.equal(logs.withMessage(AWAY).length, 2, 'a new outage is told again');
  });
}

test('user and password in the URL of a receiver are in no line about it', async (t) => {
  const far = await OtlpReceiver.start();
  const logs = new LogSink();
  const url = `${far.url.replace('//', '//user:password@')}/v1/metrics`;
  const way = { ...wayTo(far, 'http/protobuf'), url };
  const near = new Receiver(systemClock, createTestLog(logs), way, METRICS);
  t.after(async () => {
    near.close();
    await far.close();
  });
  far.behaviour = 'refuses';
  assert.equal(await near.send(DATA), false);
  far.behaviour = 'takes';
  await eventually('an export that arrives', () => near.send(DATA));
  for (const message of [AWAY, BACK]) {
    assert.equal(logs.withMessage(message)[0]?.['url'], `${far.url.replace('//', '//***@')}/v1/metrics`);
  }
  assert.doesNotMatch(JSON.stringify(logs.lines), /password/);
});

test('503 with Retry-After: the same export is tried again within its time, and arrives', async (t) => {
  const far = await OtlpReceiver.start();
  const way = { ...wayTo(far, 'http/protobuf'), timeoutMs: 30_000 };
  const near = new Receiver(systemClock, createTestLog(), way, METRICS);
  t.after(async () => {
    near.close();
    await far.close();
  });
  far.behaviour = 'later';
  const sent = near.send(DATA);
  await eventually('a first attempt', () => far.attempts === 1);
  far.behaviour = 'takes';
  assert.equal(await sent, true);
  assert.equal(far.received.length, 1);
});

for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`${protocol}: a receiver that went away is found again at its place`, async (t) => {
    const { far, near } = await meet(t, protocol);
    assert.equal(await near.send(DATA), true);
    await far.close();
    assert.equal(await near.send(DATA), false);
    const again = await OtlpReceiver.start({ isGrpc: protocol === 'grpc', port: far.port });
    t.after(() => again.close());
    await eventually('an export that arrives', () => near.send(DATA));
    assert.equal(again.total('one').value, 1);
  });
}

test('what is broken off ends at once', async (t) => {
  const { far, near } = await meet(t, 'http/protobuf');
  far.behaviour = 'silent';
  const sent = near.send(DATA);
  await eventually('the attempt', () => far.attempts === 1);
  near.close();
  assert.equal(await sent, false);
});
