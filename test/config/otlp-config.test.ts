// OpenTelemetry's variables: which one counts, what each becomes, and a sentence for each that is wrong; looked at only where asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOtlp, type OtlpConfig } from '../../src/config/otlp-config.js';
import { readVariables } from '../../src/config/variables.js';
import { makeCertificate } from '../fakes/certificate.js';

const { certificatePem, keyPem } = makeCertificate();
const FILES: Readonly<Record<string, string>> = {
  '/ca.crt': certificatePem,
  '/client.crt': certificatePem,
  '/client.key': keyPem,
  '/no.crt': 'nothing',
};

function read(
  env: Readonly<Record<string, string>>,
  otlpLogging = true,
): { readonly otlp: OtlpConfig | undefined; readonly faults: readonly string[] } {
  return readOtlp({ otlpLogging, traceSlowMs: 250, instanceName: 'pod-1' }, readVariables(env), (path) => {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return text;
  });
}

function config(env: Readonly<Record<string, string>>): OtlpConfig {
  const { otlp, faults } = read(env);
  assert.deepEqual(faults, []);
  return otlp ?? assert.fail('nothing is sent');
}

test('without variables metrics go as JSON to this host once a minute, and traces nowhere', () => {
  assert.deepEqual(config({}), {
    resource: { 'service.name': 'spec-forward-proxy', 'service.instance.id': 'pod-1' },
    metrics: {
      way: {
        protocol: 'http/json',
        url: 'http://localhost:4318/v1/metrics',
        headers: {},
        timeoutMs: 10_000,
        compression: 'none',
        tls: {},
      },
      intervalMs: 60_000,
      temporality: 'cumulative',
    },
    traces: undefined,
  });
});

test('where metrics and traces go, by protocol and by which variable is set', () => {
  const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const PROTOCOL = 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const cases: readonly (readonly [Record<string, string>, string | undefined, string | undefined])[] = [
    [{}, 'http://localhost:4318/v1/metrics', 'http://localhost:4318/v1/traces'],
    [{ [PROTOCOL]: 'grpc' }, 'http://localhost:4317', 'http://localhost:4317'],
    [{ [ENDPOINT]: 'https://a/b/' }, 'https://a/b/v1/metrics', 'https://a/b/v1/traces'],
    [
      { [ENDPOINT]: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/c' },
      'http://a/v1/metrics',
      'http://b/c',
    ],
    [
      {
        [ENDPOINT]: 'http://a',
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://b',
        OTEL_EXPORTER_ENDPOINT: 'http://c/d',
      },
      'http://c/d',
      'http://a/v1/traces',
    ],
    [{ [PROTOCOL]: 'grpc', [ENDPOINT]: 'a:4317' }, 'https://a:4317', 'https://a:4317'],
    [
      { [PROTOCOL]: 'grpc', [ENDPOINT]: 'a:4317', OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'true' },
      'https://a:4317',
      'http://a:4317',
    ],
    [{ OTEL_METRICS_EXPORTER: 'none' }, undefined, 'http://localhost:4318/v1/traces'],
  ];
  for (const [env, metrics, traces] of cases) {
    const otlp = config({ OTEL_TRACES_EXPORTER: 'otlp', ...env });
    assert.deepEqual([otlp.metrics?.way.url, otlp.traces?.way.url], [metrics, traces]);
  }
});

test('headers, times, compression and files are read for each signal, and for both where it has none of its own', () => {
  const otlp = config({
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b = x%2Cy',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'c=3',
    otel_exporter_otlp_timeout: '5000',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '700',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.crt',
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE: '/client.crt',
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY: '/client.key',
  });
  assert.deepEqual(otlp.metrics?.way, {
    protocol: 'http/json',
    url: 'http://localhost:4318/v1/metrics',
    headers: { a: '1', b: 'x,y' },
    timeoutMs: 700,
    compression: 'gzip',
    tls: { caPem: certificatePem, certificatePem, keyPem },
  });
  assert.deepEqual(otlp.traces?.way.headers, { c: '3' });
  assert.equal(otlp.traces.way.timeoutMs, 5_000);
  assert.deepEqual(otlp.traces.way.tls, { caPem: certificatePem });
});

test('samplers by their names', () => {
  const cases = [
    ['always_on', undefined, { ratio: 1, parent: 'ignored' }],
    ['always_off', undefined, { ratio: 0, parent: 'ignored' }],
    ['traceidratio', '0.25', { ratio: 0.25, parent: 'ignored' }],
    ['parentbased_traceidratio', '.5', { ratio: 0.5, parent: 'counts' }],
    ['parentbased_always_off', undefined, { ratio: 0, parent: 'counts' }],
    ['', undefined, { ratio: 1, parent: 'counts' }],
  ] as const;
  for (const [sampler, argument = '', sampling] of cases) {
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument };
    assert.deepEqual(config({ OTEL_TRACES_EXPORTER: 'otlp', ...env }).traces?.sampling, sampling);
  }
});

test('each wrong variable has its sentence, and no secret is in any', () => {
  const wrong: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http' }, /^OTEL_EXPORTER_OTLP_PROTOCOL: 'http' must be one of grpc, /],
    [
      { otel_exporter_otlp_endpoint: 'localhost' },
      /^otel_exporter_otlp_endpoint: 'localhost' must be an http/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'a:4318' }, /: with HTTP it must begin with http:\/\/ or https:/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:secret@a' }, /_ENDPOINT: .*without credentials/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:99999' }, /_ENDPOINT: its host or port is invalid/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, /_HEADERS: its value, which is not shown, must be name=value/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=secret%' }, /_HEADERS: a % is not part of a %XX/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a b=secret' }, /_HEADERS: its value, which is not shown, must be/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=secret%0A' }, /_HEADERS: a name or value is not fit for a header/],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: '1' }, /_TIMEOUT: '1' is out of bounds \(100 to 300000\)/],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'br' }, /_COMPRESSION: 'br' must be one of gzip, none/],
    [{ OTEL_EXPORTER_OTLP_CERTIFICATE: '/gone' }, /_CERTIFICATE: .*\/gone/],
    [
      { OTEL_EXPORTER_OTLP_CERTIFICATE: '/no.crt' },
      /_CERTIFICATE: the file contains no readable certificate/,
    ],
    [{ OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/client.crt' }, /_CERTIFICATE: the client's key is missing/],
    [{ OTEL_EXPORTER_OTLP_CLIENT_KEY: '/client.key' }, /_CLIENT_KEY: the client's certificate is missing/],
    [{ OTEL_METRIC_EXPORT_INTERVAL: 'soon' }, /_INTERVAL: 'soon' must be an integer/],
    [
      { OTEL_METRICS_EXPORTER: 'prometheus' },
      /OTEL_METRICS_EXPORTER: 'prometheus' must be one of otlp, none/,
    ],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /OTEL_TRACES_EXPORTER: 'zipkin' must be one of otlp, none/],
    [{ OTEL_SDK_DISABLED: 'maybe' }, /OTEL_SDK_DISABLED: 'maybe' must be true or false/],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'team' }, /OTEL_RESOURCE_ATTRIBUTES: 'team' must be name=value/],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'jaeger_remote' },
      /OTEL_TRACES_SAMPLER: 'jaeger_remote' must be one of/,
    ],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER_ARG: '2' },
      /OTEL_TRACES_SAMPLER_ARG: '2' must be a number from 0 to 1/,
    ],
    [
      { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'none' },
      /_PREFERENCE: 'none' must be one of cumulative, delta, lowmemory/,
    ],
  ];
  for (const [env, sentence] of wrong) {
    const { faults } = read(env);
    assert.equal(faults.length, 1, JSON.stringify([env, faults]));
    assert.match(faults[0] ?? '', sentence);
    assert.ok(!faults.join().includes('secret'), faults.join());
  }
});

test('what is wrong for both signals is told once', () => {
  const { faults } = read({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'x' });
  assert.equal(faults.length, 1);
});

test('where nobody asked for it, the variables may hold anything', () => {
  const wrong = { OTEL_EXPORTER_OTLP_PROTOCOL: 'x', OTEL_METRICS_EXPORTER: 'y' };
  assert.deepEqual(read(wrong, false), { otlp: undefined, faults: [] });
  assert.deepEqual(read({ ...wrong, OTEL_SDK_DISABLED: 'true' }), { otlp: undefined, faults: [] });
});
