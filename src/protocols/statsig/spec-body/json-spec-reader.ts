// Reads the facts of a JSON config spec (v1 or v2) from its top-level members.
import { JsonScanner } from '../../../json/json-scanner.js';
import type { BodyReader } from '../../../domain/body-reader.js';
import { readVersion } from '../../../domain/version.js';
import { readChecksum, type SpecFacts } from './spec-facts.js';
import { JsonValueNames } from './json-value-names.js';
import { Utf8Check } from '../../../json/utf8-check.js';

const HAS_UPDATES = 'has_updates';
const TIME = 'time';
const CHECKSUM = 'checksum';
/** The mark of a delta in the JSON that Statsig's client SDKs get; no full config spec has it. */
const IS_DELTA = 'is_delta';

export function createJsonSpecReader(): BodyReader<SpecFacts> {
  const text = new Utf8Check();
  const scanner = new JsonScanner([HAS_UPDATES, TIME, CHECKSUM, IS_DELTA]);
  const names = new JsonValueNames();
  return {
    isText: true,
    push: (bytes) => {
      text.push(bytes);
      scanner.push(bytes);
      names.push(bytes);
    },
    end: () => {
      text.end();
      return { ...toFacts(scanner.end()), namedValues: names.found };
    },
  };
}

function toFacts(members: ReadonlyMap<string, unknown>): Omit<SpecFacts, 'namedValues'> {
  const hasUpdates = members.get(HAS_UPDATES);
  return {
    hasUpdates: typeof hasUpdates === 'boolean' ? hasUpdates : undefined,
    time: readVersion(members.get(TIME)),
    checksum: readChecksum(members.get(CHECKSUM)),
    isDelta: members.get(IS_DELTA) === true,
  };
}
