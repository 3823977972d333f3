// Payloads as an origin may send them: real bodies of the demo project, for each payload key in each encoding.
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';
import { demoEnvelopes, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import { toEtag } from '../../src/domain/etag.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { PayloadFormat, ResourceKind } from '../../src/domain/resource-kind.js';
import type { BodyForm, Encoding, Payload } from '../../src/domain/payload.js';
import { REPLANE_PROJECT } from '../../src/protocols/replane/project-kind.js';
import { ID_LISTS, SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';

export interface DemoPayloads {
  /** For the names of tests. */
  readonly name: string;
  keyOf(sdkKey: string): PayloadKey;
  /** The same body for the same version. `fillerGates` make it larger: about 420 bytes of JSON each. */
  payloadOf(version: number, fillerGates?: number): Payload;
}

/** Every kind of body that may be stored. */
export const DEMO = {
  v1Json: demoPayloads('v1 JSON', SPEC_V1, 'json', 'json', 'identity'),
  v2Json: demoPayloads('v2 JSON', SPEC_V2, 'json', 'json', 'identity'),
  v2JsonGzip: demoPayloads('v2 JSON as gzip', SPEC_V2, 'json', 'json', 'gzip'),
  v2JsonBr: demoPayloads('v2 JSON as br', SPEC_V2, 'json', 'json', 'br'),
  protobuf: demoPayloads('protobuf', SPEC_V2, 'protobuf', 'protobuf', 'br'),
  idLists: demoPayloads('a manifest of ID lists', ID_LISTS, 'json', 'json', 'identity'),
  jsonForProtobuf: demoPayloads('JSON for a protobuf question', SPEC_V2, 'protobuf', 'json', 'br'),
} as const;
export const DEMO_PAYLOADS: readonly DemoPayloads[] = Object.values(DEMO);
/** Like a manifest it states no version, and like specs it is kept in versions. */
export const DEMO_REPLANE = demoPayloads('a Replane project', REPLANE_PROJECT, 'json', 'json', 'identity');

function demoPayloads(
  name: string,
  kind: ResourceKind,
  asked: PayloadFormat,
  format: PayloadFormat,
  encoding: Encoding,
): DemoPayloads {
  return {
    name,
    keyOf: (sdkKey) => ({ sdkKey, kind, format: asked }),
    payloadOf: (version, fillerGates = 0) => {
      const project = { time: version, isGateOpen: true, greeting: `hello ${version}`, fillerGates };
      const payload = toPayload(bodyOf(project, kind, format), format, version, encoding);
      return kind === SPEC_V2 ? { ...payload, ...checksumOf(project) } : payload;
    },
  };
}

/** Bodies of v1 and manifests state none. */
function checksumOf(project: DemoProject): Pick<Payload, 'checksum'> {
  const { checksum } = demoV2(project) as { readonly checksum: string };
  return { checksum };
}

function bodyOf(project: DemoProject, kind: ResourceKind, format: PayloadFormat): Buffer {
  if (kind === ID_LISTS) return demoManifest(project);
  if (kind === REPLANE_PROJECT) return demoReplane(project);
  if (format === 'protobuf') return demoEnvelopes(project);
  return Buffer.from(JSON.stringify(kind === SPEC_V1 ? demoV1(project) : demoV2(project)));
}

/** As many lists as there are filler gates in a spec, and one. */
function demoManifest({ time, greeting, fillerGates = 0 }: DemoProject): Buffer {
  const lists = Array.from({ length: fillerGates + 1 }, (_none, index) => {
    const name = `list_${index}`;
    const url = `https://origin.example/v1/download_id_list_file/${name}?time=${time}`;
    return [name, { name, size: 20 + index, url, creationTime: time, fileID: `file-${index}`, greeting }];
  });
  return Buffer.from(JSON.stringify(Object.fromEntries(lists)));
}

function demoReplane({ greeting }: DemoProject): Buffer {
  const configs = [{ name: 'greeting', value: greeting, overrides: [] }];
  return Buffer.from(JSON.stringify({ configs, changes: [0] }));
}

function toPayload(body: Buffer, format: PayloadFormat, version: number, encoding: Encoding): Payload {
  const bytes = ENCODERS[encoding](body);
  return {
    format,
    version,
    originForm: { encoding, bytes, etag: etagOf(bytes) },
    identityBytes: body.length,
  };
}

/** The best one takes seconds for a megabyte. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const ENCODERS: Readonly<Record<Encoding, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  br: (bytes) => brotliCompressSync(bytes, BROTLI),
};

const DECODERS: Readonly<Record<Encoding, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
};

export function decodedBytes(form: BodyForm): Buffer {
  return DECODERS[form.encoding](form.bytes);
}

export function etagOf(bytes: Buffer): string {
  return toEtag(createHash('sha256').update(bytes));
}
