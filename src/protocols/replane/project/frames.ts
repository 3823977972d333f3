// The frames of Replane's replication stream: read from an origin, and written to SDKs, configs byte for byte.
import { BodyFault } from '../../../domain/body-reader.js';
import { OPEN_ARRAY } from '../../../json/json-bytes.js';
import { elementsOf, membersOf, skipSpace, textOf } from '../../../json/json-slices.js';
import { checkJson, cutConfig, type ConfigSlice } from './config-slice.js';

export type Frame =
  | { readonly kind: 'init'; readonly configs: readonly ConfigSlice[] }
  | { readonly kind: 'change'; readonly config: ConfigSlice }
  /** Of a type that nobody here knows: SDKs pass over it as well. */
  | { readonly kind: 'unknown' };

/** Of one project. */
export const CONFIGS_MAX = 100_000;

export const CONNECTED = Buffer.from(': connected\n\n');
export const PING = Buffer.from(': ping\n\n');
const INIT_START = Buffer.from('data: {"type":"init",');
const CHANGE_START = Buffer.from('data: {"type":"config_change","config":');
const FRAME_END = Buffer.from('}\n\n');

/** Throws a BodyFault where the data is no frame. */
export function readFrame(data: Buffer): Frame {
  checkJson(data);
  const members = membersOf(data, skipSpace(data, 0));
  const type = members?.get('type');
  if (members === undefined || type === undefined) throw noFrame('has no type');
  switch (textOf(data, type)) {
    case '"init"': {
      const configs = members.get('configs');
      return { kind: 'init', configs: readConfigs(data, configs?.from) };
    }
    case '"config_change"': {
      const config = members.get('config');
      if (config === undefined) throw noFrame('of a change has no config');
      return { kind: 'change', config: cutConfig(data, config) };
    }
    default:
      return { kind: 'unknown' };
  }
}

/** The configs in the array at `from`; of two with one name the last. */
export function readConfigs(text: Buffer, from: number | undefined): readonly ConfigSlice[] {
  if (from === undefined || text[from] !== OPEN_ARRAY) throw noFrame('has no list of configs');
  const list = elementsOf(text, from, CONFIGS_MAX);
  if (list === undefined) throw new BodyFault('body_too_large', `more than ${CONFIGS_MAX} configs`);
  const byName = new Map<string, ConfigSlice>();
  for (const slice of list.elements) {
    const config = cutConfig(text, slice);
    byName.set(config.name, config);
  }
  return [...byName.values()];
}

/** `list`: the member `"configs":[…]`. */
export function initFrame(list: Buffer): Buffer {
  return Buffer.concat([INIT_START, list, FRAME_END]);
}

export function changeFrame({ raw }: Pick<ConfigSlice, 'raw'>): Buffer {
  return Buffer.concat([CHANGE_START, raw, FRAME_END]);
}

function noFrame(what: string): BodyFault {
  return new BodyFault('not_json', `a frame ${what}`);
}
