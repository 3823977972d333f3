// Every client of an origin that there is, each asking for one thing, and what came of it in one word.
import type { TestContext } from 'node:test';
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { demoEnvelopes, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import { systemClock } from '../../src/domain/clock.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { valueKey } from '../../src/protocols/statsig/remote-values/value-kind.js';
import { ID_LISTS, SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import type { Origin } from '../../src/core/origin.js';
import { createEventClient } from '../../src/protocols/statsig/origin/event-client.js';
import { createIdListFileClient } from '../../src/protocols/statsig/origin/id-list-file-client.js';
import { createManifestClient } from '../../src/protocols/statsig/origin/manifest-client.js';
import { createRemoteValueClient } from '../../src/protocols/statsig/origin/remote-value-client.js';
import { createUpstreamClient } from '../../src/protocols/statsig/origin/upstream-client.js';
import { noise } from '../fakes/noise.js';
import type { Site, SiteAnswer } from '../fakes/raw-origin.js';
import { CLIENT_OPTIONS } from './client-options.js';

/**
 * `right`: all of what the origin has. `part`: the beginning of a file whose length nothing told. `wrong`: anything else that
 * was taken. Or the reason of the failure.
 */
export type Came = 'right' | 'part' | 'wrong' | (string & {});

export interface AnyClient {
  readonly name: string;
  ask(): Promise<Came>;
}

const SDK_KEY = 'secret-testkey0123456789';
/** Of whose specs the origin has a long page that says so. */
const UNKNOWN_KEY = 'secret-unknown0123456789';
const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

export interface Contents {
  readonly site: Site;
  readonly bodies: Readonly<Record<BodyName, Buffer>>;
}

type BodyName = 'v1' | 'v2' | 'protobuf' | 'manifest' | 'value' | 'file' | 'events';

/** Every body has about so many bytes as it travels, or a few more. */
export function contentsOf(bytes: number): Contents {
  const greeting = noise('greeting', bytes);
  const project: DemoProject = { time: 1_750_000_000_000, isGateOpen: true, greeting };
  const v1 = Buffer.from(JSON.stringify(demoV1(project)));
  const file = Buffer.from(numbered(bytes / 10, (index) => `+hash${String(index).padStart(4, '0')}\n`));
  const lists = numbered(bytes / 100, (index) => {
    const list = { name: `list_${index}`, size: 10, url: 'https://files.example/a', fileID: `f-${index}` };
    return `${index === 0 ? '' : ','}"list_${index}":${JSON.stringify(list)}`;
  });
  const bodies = {
    v1,
    v2: brotli(Buffer.from(JSON.stringify(demoV2(project)))),
    protobuf: brotli(demoEnvelopes(project)),
    manifest: Buffer.from(`{${lists}}`),
    value: brotli(Buffer.from(JSON.stringify(greeting))),
    file,
    events: Buffer.from(JSON.stringify({ success: true, note: 'x'.repeat(bytes) })),
  };
  const ok = (body: Buffer, headers: Readonly<Record<string, string>> = JSON_TYPE): SiteAnswer => ({
    status: 200,
    headers,
    body,
  });
  const site: Site = ({ target }) => {
    if (target.includes(UNKNOWN_KEY)) return { ...ok(bodies.events), status: 404 };
    if (target.startsWith('/v1/download_config_specs')) return ok(bodies.v1);
    if (target.includes('supports_proto')) {
      const headers = { 'content-type': 'application/octet-stream', 'content-encoding': 'statsig-br' };
      return ok(bodies.protobuf, headers);
    }
    if (target.startsWith('/v2/')) return ok(bodies.v2, { ...JSON_TYPE, 'content-encoding': 'br' });
    if (target === '/v1/get_id_lists') return ok(bodies.manifest);
    if (target.startsWith('/v1/dynamic_config_value/'))
      return ok(bodies.value, { ...JSON_TYPE, 'content-encoding': 'br' });
    if (target === '/file') return ok(file, { 'content-type': 'text/plain' });
    return ok(bodies.events);
  };
  return { site, bodies };
}

export interface ClientHabits {
  /** How long it takes over each piece of a file. */
  readonly slowMs?: number;
  /** How long silence is borne. */
  readonly silenceMs?: number;
}

/** All of them, before one origin; closed when the test is over. */
export function everyClient(
  t: Pick<TestContext, 'after'>,
  url: string,
  { bodies }: Contents,
  { slowMs = 0, silenceMs = 10_000 }: ClientHabits = {},
): readonly AnyClient[] {
  const options = {
    ...CLIENT_OPTIONS,
    endpoint: new URL(url),
    headersTimeoutMs: silenceMs,
    bodyIdleTimeoutMs: silenceMs,
    bodyLimits: { encodedBytesMax: 16 * MIB, decodedBytesMax: 32 * MIB },
  };
  const specs = createUpstreamClient(systemClock, options);
  const manifests = createManifestClient(systemClock, options);
  const files = createIdListFileClient(systemClock, options);
  const events = createEventClient(systemClock, options);
  const values = createRemoteValueClient(systemClock, options, () => undefined);
  t.after(() => Promise.all([specs, manifests, files, events, values].map((client) => client.close())));

  const sha256 = createHash('sha256').update(brotliDecompressSync(bodies.value)).digest('hex');

  const payload = (
    name: BodyName,
    origin: Origin,
    key: Omit<PayloadKey, 'sdkKey'> & Partial<PayloadKey>,
  ): AnyClient => ({
    name,
    ask: async () => {
      const outcome = await origin.fetch({ sdkKey: SDK_KEY, ...key }, 0);
      if (outcome.kind === 'failed') return outcome.reason;
      if (outcome.kind !== 'updated') return outcome.kind;
      return bodies[name].equals(outcome.payload.originForm.bytes) ? 'right' : 'wrong';
    },
  });
  return [
    payload('v1', specs, { kind: SPEC_V1, format: 'json' }),
    payload('v2', specs, { kind: SPEC_V2, format: 'json' }),
    payload('protobuf', specs, { kind: SPEC_V2, format: 'protobuf' }),
    payload('manifest', manifests, { kind: ID_LISTS, format: 'json' }),
    payload('value', values, valueKey(sha256)),
    {
      name: 'error page',
      ask: async () => {
        const outcome = await specs.fetch({ sdkKey: UNKNOWN_KEY, kind: SPEC_V1, format: 'json' }, 0);
        if (outcome.kind !== 'failed') return 'wrong';
        return outcome.reason === 'status_404' ? 'right' : outcome.reason;
      },
    },
    {
      name: 'file',
      ask: async () => {
        const outcome = await files.fetch(`${url}/file`, 0, async (_part, bytes) => {
          let whole = Buffer.alloc(0);
          for await (const piece of bytes) {
            whole = Buffer.concat([whole, piece]);
            if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
          }
          return { kind: 'taken', whole } as const;
        });
        if (outcome.kind === 'failed') return outcome.reason;
        if (outcome.kind !== 'taken') return outcome.kind;
        if (bodies.file.equals(outcome.whole)) return 'right';
        return bodies.file.subarray(0, outcome.whole.length).equals(outcome.whole) ? 'part' : 'wrong';
      },
    },
    {
      name: 'events',
      ask: async () => {
        const body = Buffer.from('{"events":[]}');
        const outcome = await events.deliver({
          sdkKey: SDK_KEY,
          batchId: 'a-batch',
          headers: JSON_TYPE,
          query: '',
          body,
        });
        if (outcome.kind === 'taken') return 'right';
        return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
      },
    },
  ];
}

function numbered(count: number, write: (index: number) => string): string {
  return Array.from({ length: Math.ceil(count) }, (_none, index) => write(index)).join('');
}

function brotli(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}
