// The doctor's check of receivers: statsd over UDP and over a Unix socket, and OpenTelemetry by each protocol.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { receiveUdp, receiveUnix } from '../fakes/datagram-receiver.js';
import { freePort } from '../fakes/free-port.js';
import { OtlpReceiver } from '../fakes/otlp/otlp-receiver.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { findingsOf, patientOf } from './patient.js';

test('no receiver is asked where metrics are sent to none', async () => {
  assert.deepEqual(await findingsOf('telemetry', patientOf([])), ['pass: metrics are sent to no receiver']);
});

test('statsd over UDP: a host that refuses datagrams is a warning, and a receiver gets no line', async (t) => {
  const receiver = await receiveUdp();
  t.after(() => receiver.close());
  const find = (port: number): Promise<string[]> =>
    findingsOf('telemetry', patientOf(['--statsd-logging', '--statsd-port', String(port)]));
  assert.deepEqual(await find(receiver.port), [
    `pass: statsd receiver 127.0.0.1:${receiver.port}: nobody refuses datagrams (UDP does not say more)`,
  ]);
  assert.deepEqual(receiver.lines, []);
  const free = await freePort();
  assert.deepEqual(await find(free), [`warn: statsd receiver 127.0.0.1:${free}: ECONNREFUSED`]);
});

test('statsd over UDP: an address that no datagram may be sent to is a warning', async () => {
  const env = { STATSD_HOST_OVERRIDE: '255.255.255.255' };
  const findings = await findingsOf('telemetry', patientOf(['--statsd-logging'], { env }));
  assert.deepEqual(findings, ['warn: statsd receiver 255.255.255.255:8125: EACCES']);
});

test('statsd over a Unix socket: one that is not there is a warning', async (t) => {
  const path = join(makeTemporaryFolder('doctor'), 'statsd.sock');
  const find = (): Promise<string[]> =>
    findingsOf('telemetry', patientOf(['--datadog-logging', '--statsd-socket', path]));
  assert.match((await find()).join(), /^warn: statsd receiver \S+: /);
  const receiver = receiveUnix(path);
  t.after(() => receiver.close());
  assert.deepEqual(await find(), [`pass: statsd receiver ${path} takes datagrams`]);
  assert.deepEqual(receiver.lines, []);
});

for (const protocol of ['http/json', 'http/protobuf', 'grpc']) {
  test(`OpenTelemetry by ${protocol}: an empty export is taken, or not`, async (t) => {
    const receiver = await OtlpReceiver.start({ isGrpc: protocol === 'grpc' });
    t.after(() => receiver.close());
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_TRACES_EXPORTER: 'otlp',
    };
    const find = (more: Readonly<Record<string, string>> = {}): Promise<string[]> =>
      findingsOf('telemetry', patientOf(['--otlp-logging'], { env: { ...env, ...more } }));
    // The library tries again until then.
    const soon = { OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
    const good = await find();
    assert.equal(good.length, 2);
    for (const line of good)
      assert.match(line, /^pass: OpenTelemetry receiver of (?:metrics|traces), http:\S+: takes exports$/);
    assert.equal(receiver.attempts, 2);
    assert.doesNotMatch(JSON.stringify(receiver.received), /dataPoints|spanId/);
    receiver.behaviour = 'refuses';
    for (const line of await find(soon)) assert.match(line, /^warn: OpenTelemetry receiver of /);
    await receiver.close();
    for (const line of await find(soon)) assert.match(line, /^warn: OpenTelemetry receiver of /);
  });
}
