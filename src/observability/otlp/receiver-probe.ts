// Asks OpenTelemetry receivers whether they take what this process will send: an export with nothing in it, by the same way.
import { defaultResource } from '@opentelemetry/resources';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../logger.js';
import type { OtlpOptions, OtlpWay } from './otlp-options.js';
import { METRICS, Receiver, TRACES, type Signal } from './receiver.js';

/** The library tries again for as long as it may: somebody waits for this one. */
const PROBE_MS_MAX = 5_000;

export interface ProbedReceiver {
  readonly signal: string;
  readonly url: string;
  /** In the receiver's or the library's words; undefined where it took the export. */
  readonly failure: string | undefined;
}

export async function probeReceivers(
  clock: Clock,
  log: Logger,
  { metrics, traces }: Pick<OtlpOptions, 'metrics' | 'traces'>,
): Promise<readonly ProbedReceiver[]> {
  const probe = async <Data>(way: OtlpWay, signal: Signal<Data>, data: Data): Promise<ProbedReceiver> => {
    const timeoutMs = Math.min(way.timeoutMs, PROBE_MS_MAX);
    const receiver = new Receiver(clock, log, { ...way, timeoutMs }, signal);
    const failure = await receiver.attempt(data);
    receiver.close();
    return { signal: signal.name, url: way.url, failure: failure?.message };
  };
  return await Promise.all([
    ...(metrics ? [probe(metrics.way, METRICS, { resource: defaultResource(), scopeMetrics: [] })] : []),
    ...(traces ? [probe(traces.way, TRACES, [])] : []),
  ]);
}
