// Reads what stands in a protobuf spec: its items by their envelopes, and their fields by the names that JSON has for them.
// Field numbers: statsig-rust/src/protos/config_specs.proto of statsig-io/statsig-server-core.
import { createHash } from 'node:crypto';
import { ENVELOPE, EnvelopeSplitter, readEnvelope } from '../spec-body/spec-envelopes.js';
import { readFields } from '../spec-body/protobuf-fields.js';
import { groupOf, type Group, type SpecItem } from './spec-item.js';

type Members = Record<string, unknown>;
type Value = number | Uint8Array;
type Read = (value: Value) => unknown;
interface Field {
  readonly name: string;
  readonly read: Read;
  readonly isRepeated?: true;
}

const ENTITIES = ['unknown', 'feature_gate', 'dynamic_config', 'autotune', 'experiment', 'layer', 'segment'];
const CONDITIONS =
  'unknown public fail_gate pass_gate ua_based ip_based user_field environment_field current_time user_bucket target_app unit_id';
const KNOWN_IDS = ['unknown', 'userID', 'stableID'];

const SECTIONS: ReadonlyMap<number, Group> = new Map([
  [ENVELOPE.gate, 'gates'],
  [ENVELOPE.config, 'configs'],
  [ENVELOPE.layer, 'layers'],
  [ENVELOPE.paramStore, 'paramStores'],
]);

const RETURN_VALUE: ReadonlyMap<number, Field> = fields([1, 'bool', flag], [2, 'json', json]);
const ID_TYPE: ReadonlyMap<number, Field> = fields([1, 'known', oneOf(KNOWN_IDS)], [2, 'custom', text]);
const ANY_VALUE: ReadonlyMap<number, Field> = fields(
  [1, 'text', text],
  [2, 'bool', flag],
  [3, 'integer', plain],
  [4, 'integer', plain],
  [6, 'json', json],
);
const CONDITION: ReadonlyMap<number, Field> = fields(
  [1, 'type', oneOf(CONDITIONS.split(' '))],
  [2, 'idType', nested(ID_TYPE)],
  [3, 'targetValue', nested(ANY_VALUE)],
  [4, 'operator', plain],
  [5, 'field', text],
  [6, 'additionalValues', json],
);
const RULE: ReadonlyMap<number, Field> = fields(
  [1, 'name', text],
  [2, 'passPercentage', plain],
  [3, 'id', text],
  [4, 'salt', text],
  [5, 'conditions', text, true],
  [6, 'idType', nested(ID_TYPE)],
  [7, 'returnValue', nested(RETURN_VALUE)],
  [8, 'groupName', text],
  [9, 'configDelegate', text],
  [10, 'isExperimentGroup', flag],
  [11, 'isControlGroup', flag],
);
const SPEC: ReadonlyMap<number, Field> = fields(
  [1, 'salt', text],
  [2, 'enabled', flag],
  [3, 'defaultValue', nested(RETURN_VALUE)],
  [4, 'entity', oneOf(ENTITIES)],
  [5, 'idType', nested(ID_TYPE)],
  [6, 'version', plain],
  [7, 'rules', nested(RULE), true],
  [8, 'isActive', flag],
  [9, 'explicitParameters', text, true],
  [10, 'hasSharedParams', flag],
  [11, 'targetAppIDs', text, true],
  [12, 'useNewLayerEval', flag],
  [13, 'forwardAllExposures', flag],
  [14, 'fieldsUsed', text, true],
);

/** Throws a RangeError where the bytes are no envelopes. */
export function readProtobufItems(body: Buffer): readonly SpecItem[] {
  const items: { readonly section: Group; readonly name: string; readonly data: Buffer }[] = [];
  const conditions = new Map<string, unknown>();
  const splitter = new EnvelopeSplitter(body.length, (envelope) => {
    const { kind, name = new Uint8Array(), data = new Uint8Array() } = readEnvelope(envelope);
    const section = SECTIONS.get(kind);
    if (section !== undefined) items.push({ section, name: text(name), data: Buffer.from(data) });
    if (kind === ENVELOPE.condition) conditions.set(text(name), readMessage(data, CONDITION));
    return kind !== ENVELOPE.done;
  });
  splitter.push(body);
  return items.map(({ section, name, data }) => toItem(section, name, data, conditions));
}

function toItem(
  section: Group,
  name: string,
  data: Buffer,
  conditions: ReadonlyMap<string, unknown>,
): SpecItem {
  const bytes = createHash('sha256').update(data).digest('base64url');
  // What a param store holds is one JSON text, or something that is not known here.
  if (section === 'paramStores') {
    return { group: section, name, identity: bytes, fields: { bytes }, rules: [] };
  }
  const { rules, ...others } = readMessage(data, SPEC);
  const listed = (Array.isArray(rules) ? rules : []) as Members[];
  const resolved = listed.map(({ conditions: named = [], ...rule }) => {
    return { ...rule, conditions: (named as string[]).map((id) => conditions.get(id) ?? id) };
  });
  const identity = `${bytes} ${JSON.stringify(resolved.map((rule) => rule.conditions))}`;
  return { group: groupOf(others['entity'], section), name, identity, fields: others, rules: resolved };
}

/** Fields that are not known here are shown by their numbers, those of a fixed size not at all. */
function readMessage(bytes: Uint8Array, known: ReadonlyMap<number, Field>): Members {
  const members: Members = {};
  for (const { number, value } of readFields(bytes)) {
    const { name, read, isRepeated } = known.get(number) ?? { name: `field ${number}`, read: unknown };
    const now = read(value);
    if (isRepeated === true) members[name] = [...((members[name] ?? []) as unknown[]), now];
    else members[name] = now;
  }
  return members;
}

function fields(...rows: readonly (readonly [number, string, Read, true?])[]): ReadonlyMap<number, Field> {
  return new Map(
    rows.map(([number, name, read, isRepeated]) => {
      return [number, isRepeated === true ? { name, read, isRepeated } : { name, read }];
    }),
  );
}

function nested(known: ReadonlyMap<number, Field>): Read {
  return (value) => (typeof value === 'number' ? value : readMessage(value, known));
}

function oneOf(names: readonly string[]): Read {
  return (value) => (typeof value === 'number' ? (names[value] ?? value) : unknown(value));
}

function plain(value: Value): unknown {
  return typeof value === 'number' ? value : unknown(value);
}

function flag(value: Value): unknown {
  return typeof value === 'number' ? value !== 0 : unknown(value);
}

function text(value: Value): string {
  return typeof value === 'number' ? String(value) : Buffer.from(value).toString();
}

function json(value: Value): unknown {
  const written = text(value);
  try {
    return JSON.parse(written);
  } catch {
    // Shown as it is.
    return written;
  }
}

function unknown(value: Value): unknown {
  return typeof value === 'number' ? value : Buffer.from(value).toString('base64');
}
