// Finds the values that a dynamic config of a protobuf spec names: one for itself, and one for each of its rules.
// Source of the field numbers: src/protos/config_specs.proto of the crate oai-statsig-rust.
import { readFields } from './protobuf-fields.js';
import type { ValueNames } from './value-names.js';

/** Of `Spec`. */
const SPEC_RULES = 7;
const SPEC_METADATA = 16;
/** Of `Rule`. */
const RULE_METADATA = 14;
/** Of `RemoteConfigValueMetadata`. */
const SHA256 = 1;
const BYTE_LENGTH = 2;

/** `spec`: a message `Spec`. SDKs pass over one that is malformed in a whole spec, so it names nothing. */
export function addNamedValues(names: ValueNames, spec: Uint8Array): void {
  try {
    for (const { number, value } of readFields(spec)) {
      if (typeof value === 'number') continue;
      if (number === SPEC_METADATA) addMetadata(names, value);
      if (number === SPEC_RULES) addOfRule(names, value);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

function addOfRule(names: ValueNames, rule: Uint8Array): void {
  for (const { number, value } of readFields(rule)) {
    if (number === RULE_METADATA && typeof value !== 'number') addMetadata(names, value);
  }
}

function addMetadata(names: ValueNames, metadata: Uint8Array): void {
  let sha256 = '';
  // proto3 leaves out what has its default value.
  let byteLength = 0;
  for (const { number, value } of readFields(metadata)) {
    if (number === SHA256 && typeof value !== 'number') sha256 = Buffer.from(value).toString('latin1');
    if (number === BYTE_LENGTH && typeof value === 'number') byteLength = value;
  }
  names.add(sha256, byteLength);
}
