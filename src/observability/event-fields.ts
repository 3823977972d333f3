// What an event says: the fields that sinks make tags, labels and values of.
import type { PayloadKey } from '../domain/payload-key.js';
import type { PayloadFormat } from '../domain/resource-kind.js';

/** Of the HTTP server's answers the same object comes each time: a sink reads what it needs, and keeps nothing of it. */
export interface ProxyEventFields {
  /** Without a key in it: `/v1/download_config_specs`; undefined where no route was found. */
  readonly path?: string | undefined;
  /** Whole: each sink shows the form that it documents. */
  readonly sdkKey?: string | undefined;
  /** The kind of resource by its short name. */
  readonly api?: string;
  readonly format?: PayloadFormat;
  readonly latencyMs?: number;
  readonly status?: number | undefined;
  /** Of an answer's body. */
  readonly bytes?: number;
  /** The version the event speaks of. */
  readonly lcut?: number;
  readonly reason?: string | undefined;
  readonly outcome?: string;
  /** Streams open in this process. */
  readonly streams?: number;
  /** Log events left out of a batch. */
  readonly events?: number;
  /** Exposures that are remembered no more. */
  readonly forgotten?: number;
  /** Of a gauge. */
  readonly value?: number;
  /** Path and method of a request other than a probe. */
  readonly route?: string | undefined;
  readonly method?: string;
  /** Codings joined by `+`, as SFP writes them since 4.3; `none` for none. */
  readonly acceptEncoding?: string;
  readonly contentEncoding?: string;
  readonly sdkType?: string;
  readonly sdkVersion?: string;
  readonly clientService?: string;
  readonly responsePayload?: 'full' | 'no_update' | 'delta' | undefined;
}

/** What every event of a payload says. */
export function eventFields({
  kind,
  format,
  sdkKey,
}: PayloadKey): Required<Pick<ProxyEventFields, 'api' | 'format' | 'sdkKey' | 'path'>> {
  return { path: kind.path, api: kind.name, format, sdkKey: kind.isContentAddressed ? undefined : sdkKey };
}

/** What an event of a stream says. Without spreading objects, which takes 2 µs: an update records one for each stream. */
export function streamFields(key: PayloadKey, reason: string | undefined) {
  const { path, api, format, sdkKey } = eventFields(key);
  return { path, api, format, sdkKey, reason };
}
