// Starts an application that logs by one SDK in a process of its own, so that what it writes and how it ends can be seen.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type { LoggingPlan, LoggingSdkKind } from './logging-sdk.js';
import { newSdkKey } from './sdk-cases.js';

export interface LoggingSdk {
  readonly kind: LoggingSdkKind;
  readonly sdkKey: string;
  /** Resolves with the number of events once all are logged and sent off; rejects where it ends before. */
  readonly logged: Promise<number>;
  /** What it wrote when it ended: warnings and errors. */
  readonly ended: Promise<string>;
}

export function startLoggingSdk(
  t: TestContext,
  kind: LoggingSdkKind,
  url: string,
  durationMs: number,
): LoggingSdk {
  const sdkKey = newSdkKey();
  const plan: LoggingPlan = { kind, url, sdkKey, durationMs };
  const child = fork(new URL('./logging-sdk.ts', import.meta.url), [JSON.stringify(plan)], {
    execArgv: ['--import', new URL('../../scripts/typescript.mjs', import.meta.url).href],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout?.on('data', (piece: Buffer) => (text += piece.toString()));
  child.stderr?.on('data', (piece: Buffer) => (text += piece.toString()));
  const ended = once(child, 'close').then(() => text);
  const message = once(child, 'message').then(([said]) => (said as { readonly logged: number }).logged);
  const died = ended.then((said) => Promise.reject(new Error(`it ended too early: ${said}`)));
  return { kind, sdkKey, logged: Promise.race([message, died]), ended };
}
