// A passive application as a test sees it: started, asked what it evaluates, and stopped within the time it has for that.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { eventually, within } from './deadline.js';
import type { PassiveAppOptions, PassiveView } from './passive-app.js';

export interface PassiveApp {
  /** What the application evaluates now. */
  look(): Promise<PassiveView>;
  /** Looks until `matches`, and gives what was seen then. */
  waitFor(what: string, matches: (view: PassiveView) => boolean): Promise<PassiveView>;
  /** Stops the SDK and ends the application; fails where that takes longer than an orchestrator waits. */
  stop(): Promise<void>;
}

const ENDS_WITHIN_MS = 10_000;

/** An application whose SDK has tried to initialise; it is stopped when the test is over. */
export async function startPassiveApp(t: TestContext, options: PassiveAppOptions): Promise<PassiveApp> {
  const child = fork(new URL('passive-app.ts', import.meta.url), [JSON.stringify(options)], {
    execArgv: ['--import', 'tsx'],
    // SDKs report their own errors to their maker, whatever their options say: they get no way out.
    env: { HTTPS_PROXY: options.networkUrl, NO_PROXY: '127.0.0.1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // SDKs write their complaints there: of use only where the application ends before its time.
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'exit');

  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    try {
      child.send('stop');
      assert.deepEqual(await within(ended, 'end of the application', ENDS_WITHIN_MS), [0, null]);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  };
  t.after(stop);

  const next = async (what: string): Promise<unknown> => {
    const told = once(child, 'message').then(([message]) => message as unknown);
    const tooSoon = ended.then(([code]) => {
      throw new Error(`the application ended with ${String(code)}:\n${stderr}`);
    });
    return await within(Promise.race([told, tooSoon]), what);
  };
  await next('start of the application');

  const look = async (): Promise<PassiveView> => {
    const answer = next('answer of the application');
    child.send('look');
    return (await answer) as PassiveView;
  };
  const waitFor: PassiveApp['waitFor'] = async (what, matches) => {
    let view = await look();
    await eventually(what, async () => matches(view) || matches((view = await look())));
    return view;
  };
  return { look, waitFor, stop };
}
