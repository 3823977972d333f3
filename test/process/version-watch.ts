// Looks at a spec all the time, at a replica or in Redis: which versions were seen when, and how long each read took.
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import type { RedisServer } from '../fakes/redis-server.js';
import { redisName, specTarget, type Spec } from './spec-forms.js';

/** Between two looks: what is measured is as coarse as that. */
const LOOK_EVERY_MS = 10;

export interface Read {
  /** When it began, by `performance.now()`. */
  readonly atMs: number;
  readonly tookMs: number;
}

/** Every version that was seen at one place, in the order of their coming. */
export class VersionTrail {
  readonly changes: { readonly version: number; readonly atMs: number }[] = [];
  readonly place: string;

  constructor(place: string) {
    this.place = place;
  }

  note(version: number): void {
    if (version !== this.newest) this.changes.push({ version, atMs: performance.now() });
  }

  get newest(): number {
    return this.changes.at(-1)?.version ?? 0;
  }

  /** When this version, or a newer one, was first seen. */
  async reachedAtMs(version: number): Promise<number> {
    const find = (): number | undefined => this.changes.find((change) => change.version >= version)?.atMs;
    await eventually(`version ${version} at ${this.place}`, () => find() !== undefined);
    return find() ?? NaN;
  }

  assertNeverWentBack(): void {
    const versions = this.changes.map(({ version }) => version);
    assert.notEqual(versions.length, 0, `nothing was seen at ${this.place}`);
    assert.deepEqual(
      versions,
      [...versions].sort((left, right) => left - right),
      this.place,
    );
  }
}

/** One client on one kept connection, which asks again as soon as it has its answer. */
export class SpecWatch {
  readonly trail: VersionTrail;
  readonly reads: Read[] = [];
  /** Whatever was no good answer. */
  readonly faults: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  readonly #spec: Spec;
  #isStopped = false;

  /** `url`: of the replica. It ends with the test, or earlier by `stop`. */
  constructor(t: TestContext, place: string, url: string, spec: Spec) {
    this.trail = new VersionTrail(`${place}, ${spec.form}`);
    this.#url = url;
    this.#spec = spec;
    t.after(() => {
      this.stop();
    });
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#agent.destroy();
  }

  readsSince(atMs: number): readonly Read[] {
    return this.reads.filter((read) => read.atMs >= atMs);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const atMs = performance.now();
      try {
        this.trail.note(await this.#look());
        this.reads.push({ atMs, tookMs: performance.now() - atMs });
      } catch (error) {
        // Who stops in the middle of an answer breaks it off himself.
        if (!this.#stoppedMeanwhile) this.faults.push(String(error));
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  /** A property that others change while `#run` waits. */
  get #stoppedMeanwhile(): boolean {
    return this.#isStopped;
  }

  /** The version that the replica holds: told with every answer, also with "no updates". */
  #look(): Promise<number> {
    const target = this.#url + specTarget(this.#spec, this.trail.newest);
    return new Promise((resolve, reject) => {
      const request = get(target, { agent: this.#agent }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('error', reject);
        answer.on('end', () => {
          const version = Number(answer.headers['x-since-time']);
          const fault = faultOf(answer.statusCode, version, this.#spec, Buffer.concat(pieces));
          if (fault === undefined) resolve(version);
          else reject(new Error(fault));
        });
      });
      request.on('error', reject);
    });
  }
}

/** A spec must be whole, and of the version that the header says. */
function faultOf(
  status: number | undefined,
  version: number,
  { form }: Spec,
  bytes: Buffer,
): string | undefined {
  if (status !== 200) return `status ${String(status)}: ${bytes.toString()}`;
  if (!(version > 0)) return 'an answer without its version';
  if (form === 'protobuf') return undefined;
  const body = JSON.parse(bytes.toString()) as { readonly has_updates: boolean; readonly time?: number };
  if (body.has_updates && body.time !== version) return `time ${String(body.time)} as version ${version}`;
  return undefined;
}

/** The version of the spec's entry in Redis, by a client of its own. */
export function watchEntry(t: TestContext, redis: RedisServer, spec: Spec): VersionTrail {
  const trail = new VersionTrail(`Redis, ${spec.form}`);
  const client = redis.client();
  let isStopped = false;
  t.after(() => {
    isStopped = true;
  });
  const look = async (): Promise<void> => {
    while (!isStopped) {
      const lcut = await client.hget(redisName(spec), 'lcut');
      if (lcut !== null) trail.note(Number(lcut));
      await pause(LOOK_EVERY_MS);
    }
  };
  // The test's own end takes the connection away; whatever else ends the watch shows as a trail that stops.
  look().catch(() => undefined);
  return trail;
}

/** `share` of 0.99 for the 99th percentile. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
