// Readers of ID lists' files that go on where they were, through random growth, new files and faults: never a byte that is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventually } from '../e2e/deadline.js';
import { manifestOf, startListProxy } from '../e2e/id-list-scene.js';
import { FILE_TROUBLE, MATRIX, SLOW, type FileAnswer } from '../fakes/id-list-answers.js';
import { startIdListOrigin, type ListProject } from '../fakes/id-list-origin.js';
import type { OriginIdList } from '../fakes/id-list.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import type { Daemon } from './daemon.js';

const LIST = 'list_1';
const READERS = 16;
const STEPS = 24;

const ANSWERS: Readonly<Record<string, FileAnswer>> = {
  ...MATRIX,
  SLOW,
  'breaks off in the middle': FILE_TROUBLE['breaks off in the middle'],
  'has less than was promised': FILE_TROUBLE['has less than was promised'],
};

interface Step {
  readonly kind: 'grow' | 'shrink' | 'replace' | 'answer' | 'nothing';
  readonly count: number;
  readonly answer: string;
  /** Whether the proxy may hear of it before the next. */
  readonly isAwaited: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('grow', 'grow', 'shrink', 'replace', 'answer', 'answer', 'nothing'),
  count: fc.integer({ min: 0, max: 500 }),
  answer: fc.constantFrom(...Object.keys(ANSWERS)),
  isAwaited: fc.boolean(),
});

const lives = fc.array(fc.array(step, { minLength: STEPS, maxLength: STEPS }), {
  minLength: READERS,
  maxLength: READERS,
});

test('readers of files that grow and are replaced, whatever the origin makes of it', async (t) => {
  const origin = await startIdListOrigin(t);
  const proxy = await startListProxy(t, origin, { args: ['--http-read-timeout-in-s', '2'] });
  const live = async (steps: readonly Step[], index: number): Promise<void> => {
    const project = origin.addProject(`secret-random${index}key0123456789`);
    const reader = new Reader(proxy, project, project.addList(LIST, 'alice'));
    for (const each of steps) {
      reader.live(each);
      const asks = origin.asksFor(project.sdkKey);
      await reader.sync();
      if (each.isAwaited) await eventually('poll', () => origin.asksFor(project.sdkKey) > asks);
    }
    reader.list.answer = MATRIX.range_206;
    await eventually(`end of the file of reader ${index}`, async () => {
      await reader.sync();
      return reader.isUpToDate;
    });
  };
  // All of them at one time, and none again: what the proxy has gone through is no part of the property.
  const property = fc.asyncProperty(lives, async (all) => {
    await Promise.all(all.map(live));
  });
  await fc.assert(property, { numRuns: 1, endOnFailure: true });
});

/** Does what SDKs do: asks for a manifest, and for what is new of the file that it names. */
class Reader {
  readonly list: OriginIdList;
  readonly #proxy: Daemon;
  readonly #project: ListProject;
  #fileId = '';
  #bytes: Buffer = Buffer.alloc(0);
  #users = 0;

  constructor(proxy: Daemon, project: ListProject, list: OriginIdList) {
    this.#proxy = proxy;
    this.#project = project;
    this.list = list;
  }

  live({ kind, count, answer }: Step): void {
    const users = Array.from({ length: count }, (_none, index) => `user-${this.#users + index}`);
    if (kind === 'grow') this.list.add(...users);
    if (kind === 'shrink') this.list.remove(...users);
    if (kind === 'replace') this.list.replace(...users);
    if (kind === 'answer') this.list.answer = ANSWERS[answer] ?? MATRIX.range_206;
    if (kind === 'grow') this.#users += count;
  }

  async sync(): Promise<void> {
    const manifest = await manifestOf(this.#proxy, this.#project.sdkKey);
    const { fileID, size, url } = manifest[LIST] ?? assert.fail('no list');
    if (fileID !== this.#fileId) {
      this.#fileId = fileID;
      this.#bytes = Buffer.alloc(0);
    }
    if (size <= this.#bytes.length) return;
    const from = this.#bytes.length;
    const answer = await rawRequest(url, { headers: { range: `bytes=${from}-` } }).catch(() => undefined);
    if (answer !== undefined) this.#take(answer, from, size);
  }

  get isUpToDate(): boolean {
    return this.#fileId === this.list.file.fileId && this.#bytes.equals(this.list.file.bytes);
  }

  #take({ status, headers, bytes }: RawAnswer, from: number, size: number): void {
    const file = this.list.files.find(({ fileId }) => fileId === this.#fileId) ?? assert.fail();
    assert.equal(status, 206);
    assert.equal(headers['content-length'], String(bytes.length));
    assert.equal(headers['content-encoding'], undefined);
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    assert.equal(headers['content-range'], `bytes ${from}-${this.#bytes.length - 1}/${this.#bytes.length}`);
    assert.ok(this.#bytes.length >= size, `${this.#bytes.length} of ${size} bytes`);
    assert.ok(
      this.#bytes.equals(file.bytes.subarray(0, this.#bytes.length)),
      'other bytes than the origin has',
    );
  }
}
