// The names of Statsig's forward proxy for what is measured, so that its users' dashboards go on.
import type { Operation } from './catalogue.js';

export const SFP_PREFIX = 'statsig.forward_proxy.';

export function sfpMetricName(event: string, operation: Operation): string {
  return `${SFP_PREFIX}${event}.${operation}`;
}
