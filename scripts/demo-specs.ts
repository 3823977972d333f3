// Config specs of a small made-up project in the three forms SDKs ask for: v1 JSON, v2 JSON, v2 protobuf.
// Field names and numbers: statsig-rust/src/protos/config_specs.proto of statsig-io/statsig-server-core, and its v2 JSON.
import { createHash } from 'node:crypto';
import { brotliCompressSync, crc32 } from 'node:zlib';
import type { NamedValue } from '../src/domain/named-value.js';
import { delimited, message } from '../src/protocols/statsig/spec-body/protobuf-writer.js';

export interface DemoProject {
  /** Milliseconds since 1970 of the project's last change: the spec's version. */
  readonly time: number;
  /** Whether gate `demo_gate` is open. */
  readonly isGateOpen: boolean;
  /** Further gates that are open for everybody, by name. */
  readonly openGates?: readonly string[];
  /** The `greeting` of config `demo_config`. */
  readonly greeting: string;
  /** Further gates, to make the spec larger: about 420 bytes of JSON each. */
  readonly fillerGates?: number;
  /** Their ids and salts are as Statsig makes them, so that the JSON compresses to a fifth, like that of a real project. */
  readonly hasRandomIds?: boolean;
  /** What configs `remote_config_<index>` name instead of holding a value. */
  readonly namedValues?: readonly NamedValue[];
}

const PUBLIC_CONDITION = '1828919350';

/** For legacy SDKs: arrays, with conditions inside the rules. */
export function demoV1(project: DemoProject): object {
  return {
    has_updates: true,
    time: project.time,
    feature_gates: gates(project).map(([name, isOpen]) => v1Spec(name, gate(isOpen, project))),
    dynamic_configs: [
      v1Spec('demo_config', config(project)),
      ...remoteConfigs(project).map(([name, item]) => v1Spec(name, item)),
    ],
    layer_configs: [],
    layers: {},
    id_lists: {},
  };
}

/** For core SDKs: objects by name, with conditions in a map of their own. */
export function demoV2(project: DemoProject): object {
  return {
    has_updates: true,
    time: project.time,
    checksum: checksum(project),
    response_format: 'dcs-v2',
    company_id: 'demo-company',
    feature_gates: Object.fromEntries(
      gates(project).map(([name, isOpen]) => [name, v2Spec(name, gate(isOpen, project))]),
    ),
    dynamic_configs: {
      demo_config: v2Spec('demo_config', config(project)),
      ...Object.fromEntries(remoteConfigs(project).map(([name, item]) => [name, v2Spec(name, item)])),
    },
    layer_configs: {},
    param_stores: {},
    experiment_to_layer: {},
    condition_map: { [PUBLIC_CONDITION]: publicCondition() },
  };
}

/** The envelopes of the same spec, not yet compressed. */
export function demoEnvelopes(project: DemoProject): Buffer {
  const topLevel = message(
    [1, true],
    [2, project.time],
    [3, 'demo-company'],
    [4, 'dcs-v2'],
    [5, checksum(project)],
    [7, JSON.stringify({ experiment_to_layer: {} })],
    [8, (project.namedValues ?? []).length > 0],
  );
  return Buffer.concat([
    envelope(KIND.topLevel, 'TOP_LEVEL', topLevel),
    ...gates(project).map(([name, isOpen]) =>
      envelope(
        KIND.gate,
        name,
        protobufSpec(name, 1, isOpen ? 100 : 0, message([1, true]), message([1, false])),
      ),
    ),
    envelope(
      KIND.config,
      'demo_config',
      protobufSpec(
        'demo_config',
        2,
        100,
        message([2, JSON.stringify({ greeting: project.greeting })]),
        message([2, '{}']),
      ),
    ),
    ...(project.namedValues ?? []).map((value, index) => {
      const name = `remote_config_${index}`;
      const [own, placeholder] = [metadataMessage(value), message([2, JSON.stringify(pathOf(value))])];
      const spec = protobufSpec(name, 2, 100, placeholder, placeholder, [14, own]);
      return envelope(KIND.config, name, Buffer.concat([spec, message([16, own])]));
    }),
    envelope(KIND.condition, PUBLIC_CONDITION, message([1, 1], [2, KNOWN_USER_ID])),
    envelope(KIND.done, 'DONE', Buffer.alloc(0)),
  ]);
}

/** As it travels: one brotli stream, `Content-Encoding: statsig-br`. */
export function demoProtobuf(project: DemoProject): Buffer {
  return brotliCompressSync(demoEnvelopes(project));
}

const KIND = { done: 1, topLevel: 2, gate: 3, config: 4, condition: 7 } as const;
const KNOWN_USER_ID = message([1, 1]);

export function envelope(kind: number, name: string, data?: Uint8Array): Buffer {
  const head = [[1, kind] as const, [2, name] as const, [3, checksumOf(data)] as const];
  return delimited(data === undefined ? message(...head) : message(...head, [4, data]));
}

/** SDKs keep what they hold of an item whose checksum they know: it has to change with the item. */
function checksumOf(data: Uint8Array = new Uint8Array()): string {
  return String(crc32(data));
}

function gates(project: DemoProject): [string, boolean][] {
  const filler = Array.from({ length: project.fillerGates ?? 0 }, (_none, index) => {
    return [`filler_gate_${index}`, index % 2 === 0] as [string, boolean];
  });
  const open = (project.openGates ?? []).map((name): [string, boolean] => [name, true]);
  return [['demo_gate', project.isGateOpen], ...open, ...filler];
}

function checksum(project: DemoProject): string {
  return String(project.time % 1_000_000_007);
}

function publicCondition(): object {
  return {
    type: 'public',
    targetValue: null,
    operator: null,
    field: null,
    additionalValues: {},
    idType: 'userID',
  };
}

/** What makes one item differ from another. */
interface Item {
  readonly type: string;
  /** Of users who get `value`; the others get `defaultValue`. */
  readonly passPercentage: number;
  readonly value: unknown;
  readonly defaultValue: unknown;
  readonly hasRandomIds?: boolean | undefined;
  /** Of what both values name. */
  readonly namedValue?: NamedValue;
}

/** Whoever passes a gate's rule gets `true`: legacy SDKs look at nothing else, so a closed gate lets nobody pass. */
function gate(isOpen: boolean, { hasRandomIds }: DemoProject): Item {
  const passPercentage = isOpen ? 100 : 0;
  return { type: 'feature_gate', passPercentage, value: true, defaultValue: false, hasRandomIds };
}

function config(project: DemoProject): Item {
  const value = { greeting: project.greeting };
  return { type: 'dynamic_config', passPercentage: 100, value, defaultValue: {} };
}

/** Configs whose values SDKs fetch by their path. */
function remoteConfigs({ namedValues = [] }: DemoProject): (readonly [string, Item])[] {
  return namedValues.map((namedValue, index) => {
    const item = { type: 'dynamic_config', passPercentage: 100, value: pathOf(namedValue) };
    return [`remote_config_${index}`, { ...item, defaultValue: pathOf(namedValue), namedValue }];
  });
}

function pathOf({ sha256 }: NamedValue): string {
  return `/v1/dynamic_config_value/${sha256}`;
}

function metadata({ sha256, byteLength }: NamedValue): object {
  return { sha256, byteLength, contentType: 'application/json', compression: 'none' };
}

function metadataMessage({ sha256, byteLength }: NamedValue): Buffer {
  return message([1, sha256], [2, byteLength], [3, 'application/json'], [4, 'none']);
}

function v1Spec(name: string, item: Item): object {
  return { name, ...specOf(name, item, publicCondition()) };
}

function v2Spec(name: string, item: Item): object {
  return { ...specOf(name, item, PUBLIC_CONDITION), version: 1 };
}

function specOf(name: string, item: Item, condition: unknown): object {
  const { namedValue } = item;
  const ids = item.hasRandomIds === true ? randomIds(name) : readableIds(name);
  const named = namedValue && { remoteConfigMetadata: metadata(namedValue) };
  return {
    type: item.type,
    salt: ids.salt,
    enabled: true,
    defaultValue: item.defaultValue,
    rules: [
      {
        name: ids.rule,
        id: ids.rule,
        salt: ids.ruleSalt,
        passPercentage: item.passPercentage,
        conditions: [condition],
        returnValue: item.value,
        idType: 'userID',
        ...named,
      },
    ],
    idType: 'userID',
    entity: item.type,
    ...(named && { remoteConfigMetadata: { defaultValue: named.remoteConfigMetadata } }),
  };
}

interface Ids {
  readonly salt: string;
  readonly rule: string;
  readonly ruleSalt: string;
}

function readableIds(name: string): Ids {
  return { salt: `salt-of-${name}`, rule: `rule-of-${name}`, ruleSalt: `rule-salt-of-${name}` };
}

/** The same for the same name. */
function randomIds(name: string): Ids {
  const bytes = createHash('sha512').update(name).digest();
  const uuidAt = (at: number): string =>
    bytes.toString('hex', at, at + 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const rule = bytes.toString('base64', 32, 48).replace(/\W/g, 'A').slice(0, 22);
  return { salt: uuidAt(0), rule, ruleSalt: uuidAt(16) };
}

function protobufSpec(
  name: string,
  entity: number,
  passPercentage: number,
  value: Buffer,
  defaultValue: Buffer,
  ...ofRule: readonly (readonly [number, Buffer])[]
): Buffer {
  const rule = message(
    [1, `rule-of-${name}`],
    [2, passPercentage],
    [3, `rule-of-${name}`],
    [4, `rule-salt-of-${name}`],
    [5, PUBLIC_CONDITION],
    [6, KNOWN_USER_ID],
    [7, value],
    ...ofRule,
  );
  return message(
    [1, `salt-of-${name}`],
    [2, true],
    [3, defaultValue],
    [4, entity],
    [5, KNOWN_USER_ID],
    [6, 1],
    [7, rule],
  );
}
