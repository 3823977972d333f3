// What the instruments of /metrics are called in OpenTelemetry: by its conventions where it has one, else after their names here.
import type { Instrument, Label } from './instrument.js';
import { eventInstruments as to } from './instruments.js';

export interface OtelName {
  readonly name: string;
  /** UCUM; empty for numbers of things. */
  readonly unit: string;
  /** What labels are called that are called otherwise there. */
  readonly attributes: Partial<Record<Label, string>>;
  /** Attributes that all of its series have. */
  readonly fixed: Readonly<Record<string, string>>;
}

/** https://opentelemetry.io/docs/specs/semconv/: its stable ones, and the release candidate of RPC. */
const CONVENTIONS: ReadonlyMap<Instrument, Omit<OtelName, 'unit'>> = new Map<
  Instrument,
  Omit<OtelName, 'unit'>
>([
  [
    to.httpRequests,
    {
      name: 'http.server.request.duration',
      attributes: { route: 'http.route', method: 'http.request.method', code: 'http.response.status_code' },
      fixed: {},
    },
  ],
  [
    to.grpcCalls,
    {
      name: 'rpc.server.call.duration',
      attributes: { method: 'rpc.method', code: 'rpc.response.status_code' },
      fixed: { 'rpc.system.name': 'grpc' },
    },
  ],
  [
    to.redisDurations,
    {
      name: 'db.client.operation.duration',
      attributes: { operation: 'db.operation.name' },
      fixed: { 'db.system.name': 'redis' },
    },
  ],
]);

/** So chosen that a collector that writes to Prometheus makes the names of /metrics of them again. */
export function otelNameOf(instrument: Instrument): OtelName {
  const [, base = '', seconds] = /^sfp_(.*?)(_seconds)?(?:_total)?$/.exec(instrument.name) ?? [];
  const unit = seconds === undefined ? (base.endsWith('_bytes') ? 'By' : '') : 's';
  return { name: `sfp.${base}`, attributes: {}, fixed: {}, ...CONVENTIONS.get(instrument), unit };
}
