// All configs of one SDK key in their order, as a body that is stored and as what a stream has to know of it.
import { createHash, hash } from 'node:crypto';
import { BodyFault } from '../../../domain/body-reader.js';
import { toEtag } from '../../../domain/etag.js';
import { ownBytes } from '../../../domain/own-copy.js';
import type { Payload } from '../../../domain/payload.js';
import { OPEN_ARRAY } from '../../../json/json-bytes.js';
import { elementsOf, membersOf, skipSpace } from '../../../json/json-slices.js';
import { checkJson, hasSameMembers, type ConfigSlice } from './config-slice.js';
import { CONFIGS_MAX, readConfigs } from './frames.js';

export interface ProjectConfig extends ConfigSlice {
  /** How often the origin told of a change of it since it is known here: a change may bring the same bytes. */
  readonly changes: number;
  /** The same for the same bytes after as many changes, and for nothing else. */
  readonly mark: string;
}

export interface Project {
  readonly configs: ReadonlyMap<string, ProjectConfig>;
  /** The member `"configs":[…]` within the body. */
  readonly list: Buffer;
}

/** `{"configs":[…],"changes":[…]}`: how often each config was told of stands at its place in the second list. */
const BODY_START = Buffer.from('{"configs":[');
const LIST_FROM = BODY_START.indexOf('"');
const COMMA = Buffer.from(',');

/** What was read of bodies, or went into them: nothing is read twice. */
const projects = new WeakMap<Payload, Project>();

/** The project that the payload's body holds, which was found to be one when it came. */
export function projectOf(payload: Payload): Project {
  const known = projects.get(payload);
  if (known !== undefined) return known;
  const project = cutProject(payload.originForm.bytes);
  projects.set(payload, project);
  return project;
}

/** Throws a BodyFault where the bytes are no body of ours. */
export function readProject(bytes: Buffer): Project {
  checkJson(bytes);
  return cutProject(bytes);
}

/** The same of bytes that are JSON for certain. */
function cutProject(bytes: Buffer): Project {
  // It goes into frames as it is, where a line break would end the data.
  if (bytes.includes('\n') || bytes.includes('\r')) throw noProject();
  const members = membersOf(bytes, skipSpace(bytes, 0));
  const [list, counted] = [members?.get('configs'), members?.get('changes')];
  const configs = readConfigs(bytes, list?.from);
  const counts =
    counted && bytes[counted.from] === OPEN_ARRAY && elementsOf(bytes, counted.from, CONFIGS_MAX);
  if (list === undefined || !counts || counts.elements.length !== configs.length) throw noProject();
  const nameEnd = bytes.lastIndexOf('"configs"', list.from);
  return {
    list: bytes.subarray(nameEnd, list.to),
    configs: new Map(
      configs.map((config, index) => {
        const slice = counts.elements[index];
        const changes = Number(slice && bytes.toString('latin1', slice.from, slice.to));
        if (!Number.isSafeInteger(changes) || changes < 0) throw noProject();
        return [config.name, toConfig(config, changes)];
      }),
    ),
  };
}

/** What the origin has now. What is as it was keeps its bytes and its number of changes, and is no news to anybody. */
export function projectPayload(
  configs: readonly ConfigSlice[],
  held: Payload | undefined,
  version: number,
): Payload {
  const known = held && projectOf(held).configs;
  return toPayload(
    configs.map((config) => {
      const before = known?.get(config.name);
      if (before !== undefined && hasSameMembers(before.raw, config.raw)) return before;
      return toConfig(config, before?.changes ?? 0);
    }),
    version,
  );
}

/** The origin told of a change of this config: of one that is new, too, and of one whose bytes are the same. */
export function changedPayload(held: Payload, config: ConfigSlice, version: number): Payload {
  const configs = new Map(projectOf(held).configs);
  const changes = (configs.get(config.name)?.changes ?? 0) + 1;
  return toPayload([...configs.set(config.name, toConfig(config, changes)).values()], version);
}

function toPayload(configs: readonly ProjectConfig[], version: number): Payload {
  const counts = configs.map(({ changes }) => changes).join(',');
  const pieces = configs.flatMap(({ raw }, index) => (index === 0 ? [raw] : [COMMA, raw]));
  const bytes = ownBytes([BODY_START, ...pieces, Buffer.from(`],"changes":[${counts}]}`)]);
  const etag = toEtag(createHash('sha256').update(bytes));
  const originForm = { encoding: 'identity', bytes, etag } as const;
  const payload: Payload = { format: 'json', version, originForm, identityBytes: bytes.length };
  projects.set(payload, { configs: within(bytes, configs), list: listIn(bytes, configs) });
  return payload;
}

/** The same configs, each as a part of the new body: nothing keeps a former one in memory. */
function within(bytes: Buffer, configs: readonly ProjectConfig[]): ReadonlyMap<string, ProjectConfig> {
  let at = BODY_START.length;
  return new Map(
    configs.map((config) => {
      const raw = bytes.subarray(at, at + config.raw.length);
      at += raw.length + COMMA.length;
      return [config.name, { ...config, raw }];
    }),
  );
}

function listIn(bytes: Buffer, configs: readonly ProjectConfig[]): Buffer {
  const rawBytes = configs.reduce((sum, { raw }) => sum + raw.length, 0);
  const commas = Math.max(0, configs.length - 1) * COMMA.length;
  return bytes.subarray(LIST_FROM, BODY_START.length + rawBytes + commas + 1);
}

function toConfig({ name, raw }: ConfigSlice, changes: number): ProjectConfig {
  return { name, raw, changes, mark: `${changes}/${hash('sha256', raw, 'base64')}` };
}

function noProject(): BodyFault {
  return new BodyFault('not_json', 'the body is no list of configs with their numbers of changes');
}
