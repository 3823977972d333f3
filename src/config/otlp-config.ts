// What OpenTelemetry's variables come to: receivers, and what this process is called there; contradictions become faults.
import { certificatesIn } from '../domain/tls-files.js';
import { fileFault } from '../files/small-file.js';
import type {
  OtlpOptions,
  OtlpProtocol,
  OtlpWay,
  Temporality,
  TraceSampling,
} from '../observability/otlp/otlp-options.js';
import { exporterVariables, otelVariables } from './otel-variables.js';
import { boundsText, parseSetting, shownValue, type Rule } from './setting.js';
import type { SettingValues } from './settings.js';
import type { Variable, Variables } from './variables.js';

export type OtlpConfig = Omit<OtlpOptions, 'version'>;

type Signal = 'METRICS' | 'TRACES';
type ExporterName = keyof typeof exporterVariables;
type Given = { readonly value: string | number | boolean; readonly variable: Variable } | undefined;

const SERVICE = 'spec-forward-proxy';
const GRPC_URL = 'http://localhost:4317';
const HTTP_URL = 'http://localhost:4318';
const EXPORT_MS = 10_000;
const INTERVAL_MS = 60_000;
/** Of gRPC's metadata, which is narrower than HTTP. */
const HEADER_NAME = /^[\w.-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

/** Undefined where nobody asked for it: then OpenTelemetry's variables, which may be there for all processes, are not looked at. */
export function readOtlp(
  values: Pick<SettingValues, 'otlpLogging' | 'traceSlowMs' | 'instanceName'>,
  variables: Variables,
  readFile: (path: string) => string,
): { readonly otlp: OtlpConfig | undefined; readonly faults: readonly string[] } {
  if (!values.otlpLogging) return { otlp: undefined, faults: [] };
  const reader = new OtelReader(variables, readFile);
  if (reader.of('OTEL_SDK_DISABLED') === true) return { otlp: undefined, faults: reader.faults };
  const hasMetrics = reader.of('OTEL_METRICS_EXPORTER') !== 'none';
  const hasTraces = reader.of('OTEL_TRACES_EXPORTER') === 'otlp';
  const temporality = reader.of('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE') ?? 'cumulative';
  const otlp: OtlpConfig = {
    resource: {
      'service.name': SERVICE,
      'service.instance.id': values.instanceName,
      ...reader.pairs(reader.given('OTEL_RESOURCE_ATTRIBUTES')),
      ...named('service.name', reader.of('OTEL_SERVICE_NAME')),
    },
    metrics: hasMetrics
      ? {
          way: reader.way('METRICS'),
          intervalMs: Number(reader.of('OTEL_METRIC_EXPORT_INTERVAL') ?? INTERVAL_MS),
          temporality: String(temporality).toLowerCase() as Temporality,
        }
      : undefined,
    traces: hasTraces
      ? { way: reader.way('TRACES'), sampling: samplingOf(reader), slowMs: values.traceSlowMs }
      : undefined,
  };
  return { otlp, faults: reader.faults };
}

function samplingOf(reader: OtelReader): TraceSampling {
  const sampler = String(reader.of('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on');
  const asked = Number(reader.of('OTEL_TRACES_SAMPLER_ARG') ?? 1);
  const ratio = sampler.endsWith('traceidratio') ? asked : sampler.endsWith('always_off') ? 0 : 1;
  return { ratio, parent: sampler.startsWith('parentbased') ? 'counts' : 'ignored' };
}

/** Reads variables, and gathers what is wrong with them. */
class OtelReader {
  readonly #variables: Variables;
  readonly #readFile: (path: string) => string;
  readonly #faults = new Set<string>();

  constructor(variables: Variables, readFile: (path: string) => string) {
    this.#variables = variables;
    this.#readFile = readFile;
  }

  /** Each once, though what counts for both signals is read twice. */
  get faults(): readonly string[] {
    return [...this.#faults];
  }

  given(name: keyof typeof otelVariables): Given {
    return this.#parsed(name, otelVariables[name].rule);
  }

  of(name: keyof typeof otelVariables): string | number | boolean | undefined {
    return this.given(name)?.value;
  }

  way(signal: Signal): OtlpWay {
    const protocol = (this.#exporter(signal, 'PROTOCOL')?.value ?? 'http/json') as OtlpProtocol;
    const url = this.#url(signal, protocol);
    return {
      protocol,
      url,
      headers: this.#headers(signal),
      timeoutMs: Number(this.#exporter(signal, 'TIMEOUT')?.value ?? EXPORT_MS),
      compression: this.#exporter(signal, 'COMPRESSION')?.value === 'gzip' ? 'gzip' : 'none',
      tls: this.#tls(signal),
    };
  }

  /** `name=value,…` with `%XX`. */
  pairs(given: Given): Readonly<Record<string, string>> {
    if (given === undefined) return {};
    const pairs = String(given.value).split(',');
    try {
      return Object.fromEntries(
        pairs.map((pair) => {
          const at = pair.indexOf('=');
          return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
        }),
      );
    } catch {
      this.#faults.add(`${given.variable.source}: a % is not part of a %XX: write it as %25`);
      return {};
    }
  }

  #headers(signal: Signal): OtlpWay['headers'] {
    const given = this.#exporter(signal, 'HEADERS');
    const headers = this.pairs(given);
    const areFit = Object.entries(headers).every(
      ([name, value]) => HEADER_NAME.test(name) && HEADER_VALUE.test(value),
    );
    if (areFit) return headers;
    this.#faults.add(`${given?.variable.source ?? ''}: a name or value is not fit for a header`);
    return {};
  }

  #url(signal: Signal, protocol: OtlpProtocol): string {
    const own =
      (signal === 'METRICS' ? this.given('OTEL_EXPORTER_ENDPOINT') : undefined) ??
      this.#ofSignal(signal, 'ENDPOINT');
    const given = own ?? this.#ofBoth('ENDPOINT');
    const isGrpc = protocol === 'grpc';
    const base = given === undefined ? (isGrpc ? GRPC_URL : HTTP_URL) : this.#endpoint(signal, isGrpc, given);
    return isGrpc || own !== undefined ? base : `${base.replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`;
  }

  /** With its scheme. */
  #endpoint(signal: Signal, isGrpc: boolean, { value, variable: { source } }: NonNullable<Given>): string {
    const text = String(value);
    const hasScheme = /^https?:\/\//.test(text);
    if (!hasScheme && !isGrpc) {
      this.#faults.add(`${source}: with HTTP it must begin with http:// or https://`);
      return text;
    }
    const scheme = this.#exporter(signal, 'INSECURE')?.value === true ? 'http' : 'https';
    const url = hasScheme ? text : `${scheme}://${text}`;
    if (!URL.canParse(url)) this.#faults.add(`${source}: its host or port is invalid`);
    return url;
  }

  #tls(signal: Signal): OtlpWay['tls'] {
    const ca = this.#file(signal, 'CERTIFICATE');
    const certificate = this.#file(signal, 'CLIENT_CERTIFICATE');
    const key = this.#file(signal, 'CLIENT_KEY');
    const [alone, missing] = certificate === undefined ? [key, 'certificate'] : [certificate, 'key'];
    if (alone !== undefined && (certificate === undefined || key === undefined)) {
      this.#faults.add(`${alone.source}: the client's ${missing} is missing: set both, or none`);
    }
    for (const file of [ca, certificate]) {
      if (file !== undefined && certificatesIn(file.pem).length === 0) {
        this.#faults.add(`${file.source}: the file contains no readable certificate: name a PEM file`);
      }
    }
    return {
      ...(ca && { caPem: ca.pem }),
      ...(certificate && key && { certificatePem: certificate.pem, keyPem: key.pem }),
    };
  }

  #file(signal: Signal, name: ExporterName): { readonly pem: string; readonly source: string } | undefined {
    const given = this.#exporter(signal, name);
    if (given === undefined) return undefined;
    const { source } = given.variable;
    const path = String(given.value);
    try {
      return { pem: this.#readFile(path), source };
    } catch (error) {
      this.#faults.add(`${source}: ${fileFault(path, error)}`);
      return undefined;
    }
  }

  #exporter(signal: Signal, name: ExporterName): Given {
    return this.#ofSignal(signal, name) ?? this.#ofBoth(name);
  }

  #ofSignal(signal: Signal, name: ExporterName): Given {
    return this.#parsed(`OTEL_EXPORTER_OTLP_${signal}_${name}`, exporterVariables[name].rule);
  }

  #ofBoth(name: ExporterName): Given {
    return this.#parsed(`OTEL_EXPORTER_OTLP_${name}`, exporterVariables[name].rule);
  }

  #parsed(name: string, rule: Rule): Given {
    const variable = this.#variables.get(name);
    if (variable === undefined) return undefined;
    try {
      return { value: parseSetting(rule, variable.text) as string | number | boolean, variable };
    } catch (error) {
      const { message } = error as Error;
      const bounds = message.includes(boundsText(rule)) ? '' : ` (${boundsText(rule)})`;
      this.#faults.add(`${variable.source}: ${shownValue(rule, variable.text)} ${message}${bounds}`);
      return undefined;
    }
  }
}

function named(name: string, value: string | number | boolean | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: String(value) };
}
