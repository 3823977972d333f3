// The body of a request for a replication stream, as a Replane server takes it.
import type { ReplaneConfig } from './replane-project.js';

export interface StreamBody {
  readonly currentConfigs: readonly ReplaneConfig[];
  readonly requiredConfigs: readonly string[];
}

/** Undefined where it is JSON of another shape; a body that is no JSON counts as `{}`. */
export function readStreamBody(text: string): StreamBody | undefined {
  const body = parsed(text);
  if (!isObject(body)) return undefined;
  const { currentConfigs = [], requiredConfigs = [] } = body;
  if (!Array.isArray(currentConfigs) || !currentConfigs.every(isConfig)) return undefined;
  if (!Array.isArray(requiredConfigs) || !requiredConfigs.every((name) => typeof name === 'string'))
    return undefined;
  return { currentConfigs, requiredConfigs };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isConfig(value: unknown): value is ReplaneConfig {
  return isObject(value) && typeof value['name'] === 'string' && Array.isArray(value['overrides']);
}
