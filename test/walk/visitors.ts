// SDK-like clients of a proxy that look again and again: each knows what it may be served, and fails where it is served anything else.
import assert from 'node:assert/strict';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Manifest } from '../e2e/id-list-scene.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import type { OriginIdList } from '../fakes/id-list.js';
import type { StatsigSite } from '../fakes/statsig-site.js';
import { specId, specTarget, type Spec } from '../process/spec-forms.js';
import type { Dice } from './dice.js';

export interface Visitor {
  readonly name: string;
  /** Asks once; rejects where the answer is wrong. */
  visit(): Promise<void>;
  /** It has been served all there is, and what was accepted from it before `sinceMs` has arrived. */
  isUpToDate(sinceMs: number): boolean;
}

/** The proxy, its origin and its luck. */
export interface Place {
  readonly url: string;
  readonly site: StatsigSite;
  readonly dice: Dice;
}

const NO_UPDATES = '{"has_updates":false}';
const LINE_BYTES = 10;

export class SpecVisitor implements Visitor {
  readonly name: string;
  readonly #place: Place;
  readonly #spec: Spec;
  #version = 0;

  constructor(place: Place, spec: Spec) {
    this.name = specId(spec);
    this.#place = place;
    this.#spec = spec;
  }

  async visit(): Promise<void> {
    const { url, dice } = this.#place;
    const sinceTime = dice.chance(0.8) ? this.#version : 0;
    const encoding =
      this.#spec.form === 'protobuf' ? 'statsig-br' : dice.oneOf(['identity', 'gzip', 'br'] as const);
    const headers = { 'accept-encoding': encoding };
    const answer = await rawRequest(url + specTarget(this.#spec, sinceTime), { headers });
    if (isUnavailable(answer, this.#version > 0)) return;
    const version = Number(answer.headers['x-since-time']);
    assert.ok(version >= this.#version, `version ${version} after ${this.#version}`);
    if (answer.text === NO_UPDATES) {
      assert.ok(sinceTime > 0 && version <= sinceTime, `no updates since ${sinceTime} at ${version}`);
    } else {
      const { sdkKey, form } = this.#spec;
      assert.equal(this.#place.site.versionOf(sdkKey, form, decoded(answer)), version, 'another body');
    }
    this.#version = version;
  }

  isUpToDate(): boolean {
    return this.#version === this.#place.site.version;
  }
}

/** Asks for a key that nobody asked for before, each time. */
export class ColdVisitor implements Visitor {
  readonly name = 'cold keys';
  readonly #place: Place;
  #visits = 0;
  /** When the last visit began that was served, by `performance.now()`. */
  #servedSinceMs = -Infinity;

  constructor(place: Place) {
    this.#place = place;
  }

  async visit(): Promise<void> {
    this.#visits += 1;
    const startMs = performance.now();
    const spec = { sdkKey: `secret-cold${this.#visits}key0123456789`, form: 'v2' } as const;
    await new SpecVisitor(this.#place, spec).visit();
    const { status } = await rawRequest(this.#place.url + specTarget(spec));
    if (status === 200) this.#servedSinceMs = startMs;
  }

  isUpToDate(sinceMs: number): boolean {
    return this.#servedSinceMs > sinceMs;
  }
}

export class ListVisitor implements Visitor {
  readonly name: string;
  readonly #place: Place;
  readonly #sdkKey: string;
  readonly #read = new Map<OriginIdList, { readonly file: number; readonly bytes: Buffer }>();
  #wasServed = false;

  constructor(place: Place, sdkKey: string) {
    this.name = `ID lists of ${sdkKey}`;
    this.#place = place;
    this.#sdkKey = sdkKey;
  }

  async visit(): Promise<void> {
    const headers = { 'statsig-api-key': this.#sdkKey, 'content-type': 'application/json' };
    const asked = { method: 'POST', headers, body: '{}' };
    const answer = await rawRequest(`${this.#place.url}/v1/get_id_lists`, asked);
    if (isUnavailable(answer, this.#wasServed)) return;
    this.#wasServed = true;
    const manifest = JSON.parse(answer.text) as Manifest;
    const lists = this.#place.site.listsOf(this.#sdkKey);
    assert.deepEqual(
      Object.keys(manifest),
      lists.map(({ name }) => name),
    );
    for (const list of lists) await this.#sync(list, manifest[list.name] ?? assert.fail());
  }

  isUpToDate(): boolean {
    return this.#place.site.listsOf(this.#sdkKey).every((list) => {
      const read = this.#read.get(list);
      return read?.file === list.files.length - 1 && read.bytes.equals(list.file.bytes);
    });
  }

  async #sync(list: OriginIdList, { fileID, size, url }: Manifest[string]): Promise<void> {
    assert.equal(new URL(url).origin, this.#place.url, 'where the file is');
    const file = list.files.findIndex(({ fileId }) => fileId === fileID);
    const known = this.#read.get(list) ?? { file: 0, bytes: Buffer.alloc(0) };
    assert.ok(file >= known.file, `file ${fileID} after file ${known.file + 1}`);
    const origin = list.files[file] ?? assert.fail('a file that never was');
    const isPromise = size <= origin.bytes.length && size % LINE_BYTES === 0;
    assert.ok(isPromise, `${size} of ${origin.bytes.length} bytes promised`);
    const held = file === known.file ? known.bytes : Buffer.alloc(0);
    this.#read.set(list, { file, bytes: held });
    if (size <= held.length) return;
    const range = { range: `bytes=${held.length}-` };
    // To be cut off is how a client is told that a file cannot be had.
    const answer = await rawRequest(url, { headers: range }).catch(() => undefined);
    if (answer === undefined) return;
    assert.equal(answer.status, 206);
    const bytes = Buffer.concat([held, answer.bytes]);
    assert.ok(bytes.length >= size && bytes.length % LINE_BYTES === 0, `${bytes.length} bytes served`);
    // It may have grown meanwhile.
    const isRight = bytes.equals(origin.bytes.subarray(0, bytes.length));
    assert.ok(isRight, `other bytes of ${fileID} than the origin has: ${differenceOf(bytes, origin.bytes)}`);
    this.#read.set(list, { file, bytes });
  }
}

export class EventVisitor implements Visitor {
  readonly name: string;
  readonly #place: Place;
  readonly #sdkKey: string;
  /** Accepted, by `performance.now()`, and not seen at the origin as yet. */
  readonly #waiting = new Map<string, number>();
  #sent = 0;
  accepted = 0;

  constructor(place: Place, sdkKey: string) {
    this.name = `log events of ${sdkKey}`;
    this.#place = place;
    this.#sdkKey = sdkKey;
  }

  async visit(): Promise<void> {
    this.#sent += 1;
    const eventName = `${this.#sdkKey} ${this.#sent}`;
    const filler = 'x'.repeat(this.#place.dice.oneOf([10, 3_000, 100_000]));
    const body = JSON.stringify({ events: [{ eventName, filler }] });
    const headers = { 'statsig-api-key': this.#sdkKey, 'content-type': 'application/json' };
    const answer = await rawRequest(`${this.#place.url}/v1/log_event`, { method: 'POST', headers, body });
    assert.ok(answer.status === 202 || answer.status === 503, `status ${answer.status}: ${answer.text}`);
    if (answer.status !== 202) return;
    this.accepted += 1;
    this.#waiting.set(eventName, performance.now());
  }

  isUpToDate(sinceMs: number): boolean {
    for (const eventName of this.#waiting.keys()) {
      if (this.#place.site.taken.has(eventName)) this.#waiting.delete(eventName);
    }
    return [...this.#waiting.values()].every((acceptedAtMs) => acceptedAtMs > sinceMs);
  }
}

function differenceOf(bytes: Buffer, right: Buffer): string {
  const from = bytes.findIndex((byte, index) => byte !== right[index]);
  return `from byte ${from} on ${JSON.stringify(bytes.subarray(from, from + 60).toString())}`;
}

/** Nothing is known as yet, and the origin fails; where something was served before, it is served on. */
function isUnavailable({ status, text }: RawAnswer, wasServed: boolean): boolean {
  if (status === 503 && !wasServed) return true;
  assert.equal(status, 200, text);
  return false;
}

function decoded({ headers, bytes }: RawAnswer): Buffer {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding === 'identity') return bytes;
  return coding === 'gzip' ? gunzipSync(bytes) : brotliDecompressSync(bytes);
}
