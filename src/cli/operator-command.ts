// The commands of operators, `ctl`, `audit verify` and `dead-letters`: what was typed after the program's name becomes a text and an exit status.
import type { Clock } from '../domain/clock.js';
import type { CommandReport } from './command-report.js';
import { runDeadLetters } from './dead-letters.js';
import { runCtl } from './ctl/ctl.js';
import { verifyAudit } from './verify-audit.js';

export async function runOperatorCommand(clock: Clock, args: readonly string[]): Promise<CommandReport> {
  const [command, ...rest] = args;
  if (command === 'ctl') {
    const { status, text } = await runCtl(clock, rest);
    return { exitStatus: ({ done: 0, failed: 1, 'wrong options': 2 } as const)[status], text };
  }
  if (command === 'dead-letters') return await runDeadLetters(clock, rest);
  const [verb, path, ...more] = rest;
  if (verb !== 'verify' || path === undefined || more.length > 0)
    return { exitStatus: 2, text: 'type: spec-forward-proxy audit verify PATH\n' };
  const { isWhole, text } = verifyAudit(path);
  return { exitStatus: isWhole ? 0 : 1, text: `${text}\n` };
}
