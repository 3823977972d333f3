// OpenTelemetry's variables: those that are read with --otlp-logging, what they may hold, and what each becomes.
import type { ForeignVariable } from './setting.js';
import { ANY_TEXT, oneOf } from './setting-rows.js';

const TEXT = { kind: 'text', unit: 'text' } as const;
const PAIRS = {
  ...TEXT,
  pattern: /^\s*[^\s=,]+\s*=[^,]*(?:,\s*[^\s=,]+\s*=[^,]*)*$/,
  patternText: 'name=value, separated by commas, with other characters than letters and digits as %XX',
} as const;
const FILE = { ...TEXT, ...ANY_TEXT, patternText: 'the path of a PEM file' } as const;

/** `OTEL_EXPORTER_OTLP_<name>`, and `OTEL_EXPORTER_OTLP_METRICS_<name>` and `…_TRACES_<name>`, which count before it. */
export const exporterVariables = {
  PROTOCOL: {
    rule: { ...TEXT, ...oneOf('grpc', 'http/protobuf', 'http/json') },
    default: '`http/json`, as in SFP',
    help: 'how metrics and traces are sent',
  },
  ENDPOINT: {
    rule: {
      ...TEXT,
      pattern: /^(?:https?:\/\/[^\s/@?#]+(?:\/[^\s?#]*)?|[\w.-]+:\d{1,5}|\[[\da-fA-F:]+\]:\d{1,5})$/,
      patternText: 'an http:// or https:// URL without credentials and query; for grpc also host:port',
    },
    default: '`http://localhost:4318`, with grpc `http://localhost:4317`',
    help: 'the receiver; `/v1/metrics` and `/v1/traces` are added with HTTP, unless the name of the variable limits it to one of them',
  },
  HEADERS: { rule: { ...PAIRS, isSecret: true }, default: '', help: 'headers of every export' },
  TIMEOUT: {
    rule: { kind: 'integer', min: 100, max: 300_000, unit: 'ms' },
    default: '`10000`',
    help: 'for one export, other tries included',
  },
  COMPRESSION: {
    rule: { ...TEXT, ...oneOf('gzip', 'none') },
    default: '`none`',
    help: 'of what is sent',
  },
  CERTIFICATE: {
    rule: FILE,
    default: "the system's",
    help: 'the authorities that count for the receiver, read at the start',
  },
  CLIENT_CERTIFICATE: { rule: FILE, default: '', help: 'the certificate that is shown to the receiver' },
  CLIENT_KEY: { rule: FILE, default: '', help: 'its key' },
  INSECURE: {
    rule: { kind: 'switch' },
    default: '`false`',
    help: 'with grpc, for an endpoint without http:// or https://: no TLS',
  },
} as const satisfies Record<string, ForeignVariable>;

export const otelVariables = {
  OTEL_SDK_DISABLED: {
    rule: { kind: 'switch' },
    default: '`false`',
    help: 'nothing is sent',
  },
  OTEL_METRICS_EXPORTER: {
    rule: { ...TEXT, ...oneOf('otlp', 'none') },
    default: '`otlp`',
    help: 'whether metrics are sent',
  },
  OTEL_TRACES_EXPORTER: {
    rule: { ...TEXT, ...oneOf('otlp', 'none') },
    default: '`none`',
    help: 'whether traces are sent, and `traceparent` is read and passed on',
  },
  OTEL_EXPORTER_ENDPOINT: {
    rule: exporterVariables.ENDPOINT.rule,
    default: '',
    help: "SFP's own: the receiver of metrics, whole, and before all others",
  },
  OTEL_METRIC_EXPORT_INTERVAL: {
    rule: { kind: 'integer', min: 100, max: 3_600_000, unit: 'ms' },
    default: '`60000`',
    help: 'between two exports of metrics',
  },
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: {
    rule: {
      ...TEXT,
      pattern: /^(?:cumulative|delta|lowmemory)$/i,
      patternText: 'one of cumulative, delta, lowmemory',
    },
    default: '`cumulative`',
    help: 'whether counts and histograms are sent as sums since the start, or since the last export',
  },
  OTEL_SERVICE_NAME: {
    rule: { ...TEXT, pattern: /^[^\0\n]{1,255}$/, patternText: 'up to 255 characters' },
    default: '`spec-forward-proxy`',
    help: 'resource attribute `service.name`',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    rule: PAIRS,
    default: '`service.version` and `service.instance.id`, the name of the instance',
    help: 'further resource attributes, which count before those',
  },
  OTEL_TRACES_SAMPLER: {
    rule: {
      ...TEXT,
      ...oneOf(
        'always_on',
        'always_off',
        'traceidratio',
        'parentbased_always_on',
        'parentbased_always_off',
        'parentbased_traceidratio',
      ),
    },
    default: '`parentbased_always_on`',
    help: 'which traces are sent',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    rule: { ...TEXT, pattern: /^(?:0|1|0?\.\d{1,9}|1\.0+|0\.0+)$/, patternText: 'a number from 0 to 1' },
    default: '`1`',
    help: 'the ratio of `traceidratio`',
  },
} as const satisfies Record<string, ForeignVariable>;
