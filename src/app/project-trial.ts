// The configs of a Replane project for a context, as operators try them: what an SDK would say of each, and why, within bounds.
import type { Payload } from '../domain/payload.js';
import { evaluateConfig, type EvaluatedConfig } from '../protocols/replane/project/evaluate-config.js';
import { projectOf } from '../protocols/replane/project/project.js';
import type { Trial } from '../servers/admin/operator-api.js';
import { wordsOf } from './spec-list.js';

/** Of all that is shown together, as the origin wrote it: it is parsed on this thread. */
const PARSED_BYTES_MAX = 4 * 1024 * 1024;

/** In the project's order. */
export function tryProject(payload: Payload, { context, config: wanted, search, limit }: Trial): object {
  const { configs } = projectOf(payload);
  const words = wordsOf(search);
  const matching = [...configs.values()].filter(
    ({ name }) =>
      (wanted === undefined || name === wanted) && words.every((word) => name.toLowerCase().includes(word)),
  );
  const shown: EvaluatedConfig[] = [];
  let bytes = 0;
  for (const { raw } of matching.slice(0, limit)) {
    if (bytes + raw.length > PARSED_BYTES_MAX) continue;
    bytes += raw.length;
    shown.push(evaluateConfig(JSON.parse(raw.toString()) as Readonly<Record<string, unknown>>, context));
  }
  return { version: payload.version, configs: shown, leftOut: matching.length - shown.length };
}
