// What stands in a spec, whatever its format: gates, configs, experiments, layers and segments with their rules.
import { readJsonItems } from './json-items.js';
import { readProtobufItems } from './protobuf-items.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';

import type { SpecItem } from './spec-item.js';

/** By group and name. */
export type SpecItems = ReadonlyMap<string, SpecItem>;

/** Throws where the body is no spec of this format. */
export function readSpecItems(body: Buffer, format: PayloadFormat): SpecItems {
  const items = format === 'json' ? readJsonItems(body) : readProtobufItems(body);
  return new Map(items.map((item) => [`${item.group} ${item.name}`, item]));
}
