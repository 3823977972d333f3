// A patient for the doctor's checks: a command line in surroundings of a test, and what its findings say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Surroundings } from '../../src/config/load-config.js';
import type { Check, Finding, Patient } from '../../src/doctor/check.js';
import { CHECKS } from '../../src/doctor/checks.js';
import { tryPinnedKeys, type TriedPayloads } from '../../src/doctor/tried-keys.js';
import { systemClock } from '../../src/domain/clock.js';
import { folderFault } from '../../src/files/folder-fault.js';
import { loadLine } from '../config/loading.js';
import { createTestLog } from '../fakes/log-sink.js';

export const KEY = 'secret-abcdefghij0123456789';

export interface PatientOptions extends Partial<Omit<Patient, 'config' | 'ignored' | 'tried'>> {
  readonly env?: Surroundings['env'];
}

/** MODE `http` and CACHE `disabled`, where `args` name none; ports that are free, and origins on this machine. */
export function patientOf(args: readonly string[], { env = {}, ...rest }: PatientOptions = {}): Patient {
  const operands = args[0]?.startsWith('--') === false ? [] : ['http', 'disabled'];
  const loaded = loadLine([...operands, ...args], {
    env,
    folderFault,
    nowMs: systemClock.nowMs(),
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (loaded.kind === 'faults') return assert.fail(loaded.faults.join('\n'));
  const uid = process.getuid?.() ?? 0;
  const patient = {
    config: loaded.config,
    ignored: loaded,
    clock: systemClock,
    version: '1.2.3',
    log: createTestLog(),
    user: { uid, gids: process.getgroups?.() ?? [] },
    openFilesMax: Infinity,
    memoryBytesMax: 8 * 1024 ** 3,
    balancerIdleS: 60,
    ...rest,
  };
  let tried: Promise<TriedPayloads> | undefined;
  return { ...patient, tried: () => (tried ??= tryPinnedKeys(patient)) };
}

/** Every origin there is, at one address. */
export function originsAt(url: string): string[] {
  return ['--statsig-endpoint', url, '--log-event-statsig-endpoint', url];
}

/** What the check of this name finds, one line a finding; each that does not pass has a remedy. */
export async function findingsOf(name: string, patient: Patient): Promise<string[]> {
  const check = CHECKS.find((each): each is Check => each.name === name) ?? assert.fail(name);
  const findings = await check.run(patient);
  assert.ok(findings.length > 0);
  for (const { verdict, remedy } of findings)
    assert.equal(remedy === undefined || remedy === '', verdict === 'pass', verdict);
  return findings.map(toLine);
}

export function toLine({ verdict, what }: Finding): string {
  return `${verdict}: ${what}`;
}
