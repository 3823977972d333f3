// A folder of log events for one test, and what a killed process would leave of it.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createConcurrencyLimit } from '../../../../../src/domain/concurrency-limit.js';
import type { Batch, KeptBatch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { DataKeys } from '../../../../../src/files/data-keys.js';
import { DiskKeeper } from '../../../../../src/protocols/statsig/log-events/disk/disk-keeper.js';
import { testUser } from '../../../../fakes/test-user.js';
import { makeTemporaryFolder } from '../../../../fakes/temporary-folder.js';
import { ManualClock } from '../../../../fakes/manual-clock.js';
import { createTestLog } from '../../../../fakes/log-sink.js';

export function makeFolder(): string {
  return makeTemporaryFolder('log-events');
}

/** The folder as a process that is killed now leaves it: what it wrote, and nothing it would have written. */
export function copyOf(folder: string, copy = makeFolder()): string {
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith('/lock') });
  return copy;
}

export interface OpenKeeper {
  readonly keeper: DiskKeeper;
  /** What an earlier process left. */
  readonly left: readonly KeptBatch[];
  readonly told: { readonly damaged: [string, number, number][]; readonly errors: unknown[] };
  /** How many files there were without their data key, each time that was told. */
  readonly heldBack: number[];
  /** What turned up later. */
  readonly found: KeptBatch[];
}

/** None: the key in the folder seals. */
export function noDataKeys(): DataKeys {
  return new DataKeys(new ManualClock());
}

export async function openKeeper(
  t: TestContext,
  folder: string,
  segmentBytes = 10_000,
  user = testUser(),
  dataKeys = noDataKeys(),
): Promise<OpenKeeper> {
  const told = { damaged: [] as [string, number, number][], errors: [] as unknown[] };
  const heldBack: number[] = [];
  const listener = {
    heldBack: (files: number) => void heldBack.push(files),
    damaged: (...damage: [string, number, number]) => void told.damaged.push(damage),
    progressNotWritten: (error: unknown) => void told.errors.push(error),
    notLocked: (error: unknown) => void told.errors.push(error),
  };
  const keeper = new DiskKeeper(createTestLog(), listener, createConcurrencyLimit(1), {
    folder,
    user,
    segmentBytes,
    dataKeys,
  });
  t.after(() => keeper.close());
  const found: KeptBatch[] = [];
  const left = await keeper.open((batches) => void found.push(...batches));
  return { keeper, left, told, heldBack, found };
}

export function makeBatch(name: string, body = `{"events":["${name}"]}`): Batch {
  return {
    id: name,
    sdkKey: 'secret-diskkey0123456789',
    headers: { 'content-type': 'application/json', 'statsig-sdk-type': 'test' },
    query: '?st=test',
    body: Buffer.from(body),
    acceptedAtMs: 1_800_000_000_000,
  };
}

export function filesIn(folder: string, suffix: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort();
}

export function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** Whether this text stands in any file of the folder. */
export function isReadable(folder: string, text: string): boolean {
  return readdirSync(folder).some(
    (name) => name !== 'lock' && readFileSync(join(folder, name)).includes(text),
  );
}

export function ids(batches: readonly { readonly id: string }[]): readonly string[] {
  return batches.map(({ id }) => id);
}

/** Resolves once what was forgotten is written down: that is done between two writes of batches. */
export async function writeDown(keeper: DiskKeeper): Promise<void> {
  for (let write = 0; write < 2; write += 1) (await keeper.keep(makeBatch('marker'))).forget();
}

/** The largest file that this process may write from now on, in bytes; any again when the test is over. */
export function limitFiles(t: TestContext, bytesMax: string): void {
  const set = (value: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${value}:`]);
  };
  t.after(() => {
    set('unlimited');
  });
  set(bytesMax);
}
