// The configs of a Replane project for a context, as operators try them: what an SDK would say of each, and why, within bounds.
import type { Payload } from '../domain/payload.js';
import { evaluateConfig, type EvaluatedConfig } from '../protocols/replane/project/evaluate-config.js';
import { projectOf } from '../protocols/replane/project/project.js';
import type { Trial } from '../servers/admin/operator-api.js';

/** Of all that is shown together, as the origin wrote it: it is parsed on this thread. */
const PARSED_BYTES_MAX = 4 * 1024 * 1024;

/** In the project's order. */
export function tryProject(payload: Payload, { context, config: name, limit }: Trial): object {
  const { configs } = projectOf(payload);
  const matching = [...configs.values()].filter((config) => name === undefined || config.name === name);
  const shown: EvaluatedConfig[] = [];
  let bytes = 0;
  for (const { raw } of matching.slice(0, limit)) {
    if (bytes + raw.length > PARSED_BYTES_MAX) continue;
    bytes += raw.length;
    shown.push(evaluateConfig(JSON.parse(raw.toString()) as Readonly<Record<string, unknown>>, context));
  }
  return { version: payload.version, configs: shown, leftOut: matching.length - shown.length };
}
