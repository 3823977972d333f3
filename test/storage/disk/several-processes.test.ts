// Real processes on one folder: killed at any moment, and several at a time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';
import type { DiskSnapshots } from '../../../src/storage/disk/disk-snapshots.js';
import { assertHolds } from '../../contracts/snapshots-place.js';
import { eventually, within } from '../../e2e/deadline.js';
import { DiskPlace } from './disk-place.js';
import { largePayload, WRITER_KEYS } from './writer-payloads.js';

const WRITER = fileURLToPath(new URL('endless-writer.ts', import.meta.url));
const KILLS = 6;

interface Writer {
  /** The newest version that it said was stored, for each of WRITER_KEYS; 0 for none. */
  readonly stored: readonly number[];
  readonly signal: (name: NodeJS.Signals) => void;
  readonly kill: () => Promise<void>;
}

/** A process that stores versions from `first` on; gone when the test is over. */
function startWriter(t: TestContext, folder: string, first: number): Writer {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stored = WRITER_KEYS.map(() => 0);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const said = /^(\d) stored (\d+)$/.exec(line);
    if (said !== null) stored[Number(said[1])] = Number(said[2]);
  });
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await within(ended, 'end of the writer');
    assert.equal(complaints, '');
  };
  t.after(kill);
  return { stored, kill, signal: (name) => child.kill(name) };
}

function hasTemporary(place: DiskPlace): boolean {
  return place.names.some((name) => name.endsWith('.tmp'));
}

/** Stops the writer at a moment in which it has half written a file. */
async function stopHalfWay(place: DiskPlace, writer: Writer): Promise<void> {
  let isStopped = false;
  await eventually('half written file', () => {
    // It was stopped at the last look: what it has begun stays begun.
    if (isStopped && hasTemporary(place)) return true;
    isStopped = !isStopped;
    writer.signal(isStopped ? 'SIGSTOP' : 'SIGCONT');
    return false;
  });
}

async function versions(snapshots: DiskSnapshots): Promise<number[]> {
  const loadings = await Promise.all(WRITER_KEYS.map((key) => snapshots.load(key)));
  return loadings.map((loading) => {
    if (loading.kind === 'missing') return 0;
    assert.ok(loading.kind === 'found', JSON.stringify(loading));
    const { version } = loading.snapshot.payload;
    assertHolds(loading, largePayload(version));
    return version;
  });
}

test('a writer killed at any moment has lost nothing that it said was stored', async (t) => {
  // By the clock of who reads an hour has gone by, and what was half written is nobody's.
  const place = new DiskPlace(t, Date.now() + 3_600_000);
  let first = 1;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const writer = startWriter(t, place.folder, first);
    await eventually('version of each key', () => Math.min(...writer.stored) >= first + kill);
    const isHalfWay = kill % 2 === 1;
    if (isHalfWay) await stopHalfWay(place, writer);
    await writer.kill();
    assert.ok(!isHalfWay || hasTemporary(place));
    const snapshots = await place.open();
    assert.deepEqual(
      place.names.filter((name) => !name.endsWith('.spec')),
      [],
    );
    const found = await versions(snapshots);
    for (const [index, version] of found.entries()) {
      assert.ok(
        version >= (writer.stored[index] ?? 0),
        `${version}, and ${writer.stored.join(' ')} were stored`,
      );
    }
    await snapshots.close();
    first = Math.max(...found) + 1;
  }
  assert.deepEqual(place.sink.lines, []);
});

test('two writers at one time leave nothing but good files', async (t) => {
  const place = new DiskPlace(t, Date.now());
  const writers = [startWriter(t, place.folder, 1), startWriter(t, place.folder, 2)];
  await eventually('version of each writer', () => writers.every(({ stored }) => Math.max(...stored) > 0));
  const snapshots = await place.open();
  let seen = 0;
  await eventually('twenty rounds', async () => {
    seen = Math.max(seen, ...(await versions(snapshots)));
    return seen > 20;
  });
  for (const writer of writers) await writer.kill();
  assert.ok(Math.min(...(await versions(snapshots))) > 0);
  assert.deepEqual(await snapshots.save(WRITER_KEYS[0] ?? assert.fail(), largePayload(1_000_000), 0), {
    kind: 'stored',
  });
  assert.deepEqual(place.sink.lines, []);
});
