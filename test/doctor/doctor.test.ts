// The doctor as a whole: its report for people and for machines, its exit status, its deadlines, and that no key is in either.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { pass, warn, type Check, type Finding } from '../../src/doctor/check.js';
import { CHECKS } from '../../src/doctor/checks.js';
import { doctor, type Outcome } from '../../src/doctor/doctor.js';
import { examine } from '../../src/doctor/examine.js';
import { exitStatusOf, toText, withoutKeys } from '../../src/doctor/report-text.js';
import { systemClock } from '../../src/domain/clock.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { createTestLog } from '../fakes/log-sink.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { KEY, originsAt, patientOf } from './patient.js';

const PORTS = ['--http-port', '0', '--admin-port', '0', '--host', '127.0.0.1'];

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const typed = readCommandLine(['doctor', ...args], '1.2.3');
  if (typed.kind !== 'doctor') return assert.fail('not the doctor');
  const around = {
    env,
    readFile: (path: string) => readFileSync(path, 'utf8'),
    hostName: 'here',
    nowMs: systemClock.nowMs(),
    fallbackDataDir: '/tmp/nothing',
    folderFault: () => undefined,
  };
  const limits = { openFilesMax: Infinity, memoryBytesMax: 8 * 1024 ** 3 };
  const world = { clock: systemClock, log: createTestLog(), version: '1.2.3', user: undefined, ...limits };
  return doctor(typed.line, typed.own, around, world);
}

interface JsonReport {
  readonly version: string;
  readonly verdict: string;
  readonly checks: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly findings: Finding[];
  }[];
}

test('a good configuration passes, in lines and as JSON, with every check in the order of the table', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const args = ['http', 'disabled', ...PORTS, ...originsAt(origin.url)];
  const env = { SFP_SDK_KEYS: KEY };
  const { text, status } = await run(args, env);
  assert.equal(status, 0, text);
  assert.match(text, /^pass {2}settings +MODE http, CACHE disabled, pinned SDK keys: 1\n/);
  assert.match(text, /\n\d+ passed, 0 warnings, 0 failed\n$/);
  const machine = await run(['--json', ...args], env);
  const report = JSON.parse(machine.text) as JsonReport;
  assert.deepEqual([report.version, report.verdict, machine.status], ['1.2.3', 'pass', 0]);
  assert.deepEqual(
    report.checks.map(({ name }) => name),
    CHECKS.map(({ name }) => name),
  );
  assert.ok(!`${text}${machine.text}`.includes(KEY));
});

test('the exit status is 1 for what fails, 0 for warnings unless --strict, and 2 for wrong options', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  const args = ['http', 'disabled', ...PORTS, ...originsAt(origin.url)];
  const env = { SFP_NO_SUCH: '1' };
  assert.equal((await run(args, env)).status, 0);
  assert.equal((await run([...args, '--strict'], env)).status, 1);
  origin.refusedKeys.add(KEY);
  const refused = await run(args, { SFP_SDK_KEYS: KEY });
  assert.equal(refused.status, 1);
  assert.match(refused.text, /FAIL {2}keys .* refuses it .*\n +-> The key was revoked/);
  assert.equal((await run([...args, '--skip', 'keys'], { SFP_SDK_KEYS: KEY })).status, 0);
  for (const wrong of [
    ['htp', 'disabled'],
    ['http', 'disabled', '--no-such-option'],
    ['http', 'disabled', '--skip', 'prots'],
    ['http', 'disabled', '--balancer-idle-timeout-in-s', '0'],
    ['http', 'disabled', '--balancer-idle-timeout-in-s'],
  ]) {
    const { text, status } = await run(wrong);
    assert.equal(status, 2, wrong.join(' '));
    assert.match(text, /^FAIL {2}settings {2}.*\n +-> .*\n0 passed, 0 warnings, 1 failed\n$/);
  }
  assert.equal((JSON.parse((await run(['htp', '--json'])).text) as JsonReport).verdict, 'fail');
});

test('a check that hangs is given up in its time, and one that throws is a finding, while the others go on', async () => {
  const clock = new ManualClock();
  const patient = { ...patientOf([]), clock };
  const checks: Check[] = [
    { name: 'good', deadlineMs: 1_000, run: () => Promise.resolve([pass('fine')]) },
    { name: 'hangs', deadlineMs: 1_000, run: () => new Promise(() => undefined) },
    { name: 'breaks', deadlineMs: 1_000, run: () => Promise.reject(new Error(`no ${KEY}`)) },
    { name: 'warns', deadlineMs: 1_000, run: () => Promise.resolve([pass('a'), warn('b', 'c')]) },
  ];
  const examining = examine(checks, patient);
  await settle();
  clock.advance(1_000);
  const report = await examining;
  assert.equal(report.verdict, 'fail');
  assert.deepEqual(
    report.checks.map(({ verdict, findings }) => [verdict, findings[0]?.what]),
    [
      ['pass', 'fine'],
      ['fail', 'nothing was found out within 1 s'],
      ['fail', 'the check itself failed: no secret-abcd***'],
      ['warn', 'a'],
    ],
  );
});

test('a key of any form that a finding quotes is masked in the report', () => {
  const odd = 'ABCDEFGHIJKLMNOP';
  const finding = warn(`about ${odd} here`, `do with ${odd}`);
  const check = { name: 'any', verdict: 'warn' as const, tookMs: 0, findings: [finding] };
  const report = withoutKeys({ verdict: 'warn', checks: [check] }, [odd]);
  assert.equal(
    toText(report),
    'WARN  any  about ABCD*** here\n           -> do with ABCD***\n0 passed, 1 warnings, 0 failed\n',
  );
  assert.deepEqual([exitStatusOf(report, false), exitStatusOf(report, true)], [0, 1]);
});
