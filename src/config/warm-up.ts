// SFP's list of keys to fetch at a start, as JSON: which keys it pins, and what of each; faults name the entry, never the key.
import { isValidSdkKey } from '../domain/sdk-key.js';
import { PINNED_PAYLOADS, type PinnedPayloadName } from './pinned-payload-names.js';

export interface WarmUp {
  /** What is asked for, by SDK key. */
  readonly payloads: ReadonlyMap<string, readonly PinnedPayloadName[]>;
  /** What of the list is ignored, as ends of sentences. */
  readonly faults: readonly string[];
}

/** Of more entries only their number is told. */
const FAULTS_MAX = 10;

/** `text`: empty for none. Nothing in it prevents a start, as in SFP: what cannot be understood is left out. */
export function readWarmUp(text: string): WarmUp {
  const entries = text.trim() === '' ? [] : parse(text);
  if (entries === undefined) return { payloads: new Map(), faults: ['is ignored: it is not a JSON array'] };
  const names = new Map<string, Set<PinnedPayloadName>>();
  const faults: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const read = readEntry(entry);
    if (typeof read === 'string') {
      faults.push(`entry ${index + 1} of ${entries.length} is ignored: ${read}`);
      continue;
    }
    const ofKey = names.get(read.sdkKey) ?? new Set();
    for (const name of read.names) ofKey.add(name);
    names.set(read.sdkKey, ofKey);
  }
  const more = faults.splice(FAULTS_MAX).length;
  if (more > 0) faults.push(`${more} more entries of ${entries.length} are ignored`);
  const payloads = new Map(
    [...names].map(([sdkKey, ofKey]) => [sdkKey, PINNED_PAYLOADS.filter((name) => ofKey.has(name))]),
  );
  return { payloads, faults };
}

function parse(text: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    // The caller says so, without the parser's words: these repeat the text.
    return undefined;
  }
}

interface Entry {
  readonly sdkKey: string;
  readonly names: readonly PinnedPayloadName[];
}

/** Or what is wrong with it. */
function readEntry(entry: unknown): Entry | string {
  if (typeof entry !== 'object' || entry === null) return 'it is not an object';
  const { sdk_key, path, encodings } = entry as Partial<Record<string, unknown>>;
  const sdkKey = typeof sdk_key === 'string' ? sdk_key.trim() : '';
  if (!/^(?:client|server|secret)-/.test(sdkKey) || !isValidSdkKey(sdkKey)) {
    return 'its sdk_key is not an SDK key that begins with client-, server- or secret-';
  }
  if (encodings !== undefined && !isListOfTexts(encodings)) {
    return 'its encodings are not a list of names with at least one in it';
  }
  const names = typeof path === 'string' ? namesOf(path, encodings) : undefined;
  if (names === undefined) {
    return 'its path is not /v1/download_config_specs, /v2/download_config_specs or /v1/get_id_lists';
  }
  return { sdkKey, names };
}

/** Core SDKs, which ask for v2, take protobuf first, and only in the encoding that they name `statsig-br`. */
function namesOf(
  path: string,
  encodings: readonly string[] | undefined,
): readonly PinnedPayloadName[] | undefined {
  switch (path.replace(/\/$/, '')) {
    case '/v1/download_config_specs':
      return ['v1'];
    case '/v2/download_config_specs': {
      const isProtobuf = encodings?.some((name) => /^\s*statsig[-_]br\s*$/i.test(name)) ?? true;
      return isProtobuf ? ['v2', 'v2-protobuf'] : ['v2'];
    }
    case '/v1/get_id_lists':
      return ['id-lists'];
    default:
      return undefined;
  }
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string');
}
