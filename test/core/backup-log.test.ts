// What is logged about backups: where a version came from, and what to do about an unusable entry; bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupLog } from '../../src/core/backup-log.js';
import { BodyForms } from '../../src/bodies/body-forms.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { createLogger } from '../../src/observability/logger.js';
import { LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';

const KEY: PayloadKey = { sdkKey: 'secret-backuplog0123456789', kind: SPEC_V2, format: 'protobuf' };

function create(): { log: BackupLog; sink: LogSink; clock: ManualClock } {
  const clock = new ManualClock();
  const sink = new LogSink();
  const logger = createLogger(sink, { level: 'info', instanceName: 'x', version: '0' });
  return { log: new BackupLog(clock, logger), sink, clock };
}

function restore({ log, clock }: ReturnType<typeof create>, confirmedAgoMs: number): void {
  const bytes = Buffer.from('x');
  const version = clock.nowMs() - 250;
  const originForm = { encoding: 'br', bytes, etag: '"x"' } as const;
  const payload = { format: 'protobuf', version, originForm, identityBytes: 9 } as const;
  const forms = new BodyForms(payload, createConcurrencyLimit(1));
  log.restored({
    held: { key: KEY, payload, forms, confirmedAtMs: 0, relayedMs: 0, askedAtMs: 0, source: 'disk' },
    place: 'redis',
    confirmedAgoMs,
  });
}

test('a version from a backup is one line, with where it came from and how old its confirmation is', () => {
  const scene = create();
  restore(scene, 61_400);
  const [line] = scene.sink.lines;
  assert.equal(line?.['msg'], 'spec updated');
  assert.deepEqual([line['from'], line['confirmedAgoS'], line['sdkKey']], ['redis', 61, 'secret-back***']);
});

test('unusable entries have a line that says what to do, and strangers cannot fill the log with it', () => {
  const scene = create();
  for (let index = 0; index < 100; index += 1) scene.log.unusable(KEY, 'redis', 'foreign_key');
  assert.equal(scene.sink.lines.length, 1);
  assert.match(
    String(scene.sink.lines[0]?.['msg']),
    /ignoring unusable backup of this spec: it belongs to another SDK key: .*; use --redis-key/,
  );
  scene.clock.advance(1_000);
  scene.log.unusable(KEY, 'redis', 'wrong_type');
  assert.match(String(scene.sink.lines[1]?.['msg']), /delete it in Redis/);
  assert.deepEqual([scene.sink.lines[1]?.['untold'], scene.sink.lines[1]?.['fault']], [99, 'wrong_type']);
});
