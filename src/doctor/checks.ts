// The table of checks, in the order in which they are reported; they run side by side.
import { checkKeepAlive, checkMemory, checkOpenFiles } from './capacity-check.js';
import { checkCertificates } from './certificates-check.js';
import type { Check, Finding, Patient } from './check.js';
import { checkDns } from './dns-check.js';
import { checkFiles } from './files-check.js';
import { checkKeys } from './keys-check.js';
import { checkOrigins } from './origin-check.js';
import { checkPorts } from './ports-check.js';
import { checkRedis } from './redis-check.js';
import { checkSettings } from './settings-check.js';
import { checkTelemetry } from './telemetry-check.js';

/** For what asks nobody, or asks once. */
const CHECK_MS_MAX = 15_000;
/** For whole specs of up to a hundred keys. */
const KEYS_MS_MAX = 60_000;

export const CHECKS: readonly Check[] = [
  check('settings', checkSettings),
  check('files', checkFiles),
  check('ports', checkPorts),
  check('dns', checkDns),
  check('origin', checkOrigins),
  check('keys', checkKeys, KEYS_MS_MAX),
  check('redis', checkRedis),
  check('certificates', checkCertificates),
  check('open-files', checkOpenFiles),
  check('memory', checkMemory, KEYS_MS_MAX),
  check('keep-alive', checkKeepAlive),
  check('telemetry', checkTelemetry),
];

function check(
  name: string,
  find: (patient: Patient) => readonly Finding[] | Promise<readonly Finding[]>,
  deadlineMs = CHECK_MS_MAX,
): Check {
  return { name, deadlineMs, run: async (patient) => await find(patient) };
}
