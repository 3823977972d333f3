// Runs the proxy in front of a demo origin, or of a real one, and says what to try; ends with the proxy, and it with this.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEMO_SDK_KEY, startDemoOrigin, type DemoOrigin } from '../demo-origin.js';
import { isSet, readArguments, USAGE, type Arguments } from './arguments.js';
import { guide } from './guide.js';
import { whyUnreachable } from './origin-probe.js';
import { ProxyProcess } from './proxy-process.js';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const CHANGE_EVERY_MS = 5_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function main(args: readonly string[]): Promise<void> {
  const read = readArguments(args, process.env);
  if (read.isHelp) {
    console.log(USAGE);
    return;
  }
  const demo = read.isLive ? undefined : await startDemoOrigin({ changeEveryMs: CHANGE_EVERY_MS });
  const variables = demo === undefined ? {} : demoVariables(demo, process.env);
  const proxy = new ProxyProcess(read.forProxy, { ...process.env, ...variables });
  try {
    process.exitCode = await runUntilEnd(proxy, read, demo, variables);
  } finally {
    demo?.close();
  }
}

/** As variables, these give way to what was typed. */
function demoVariables({ url }: DemoOrigin, env: NodeJS.ProcessEnv): Record<string, string> {
  const unlessSet = {
    SFP_HOST: '127.0.0.1',
    SFP_POLLING_INTERVAL_IN_S: '1',
    LOG_EVENT_STATSIG_ENDPOINT: url,
    ID_LISTS_STATSIG_ENDPOINT: url,
    SFP_ID_LISTS_POLLING_INTERVAL_IN_S: '1',
  };
  return {
    STATSIG_ENDPOINT: url,
    SFP_SDK_KEYS: DEMO_SDK_KEY,
    // Asked for by nobody at first: so its updates are seen in the log all the same.
    SFP_PINNED_PAYLOADS: 'v2',
    ...Object.fromEntries(
      Object.entries(unlessSet).map(([name, value]) => [name, nonEmpty(env[name], value)]),
    ),
    // The demo origin is on this machine, whatever outbound proxy others are reached by.
    NO_PROXY: '127.0.0.1',
  };
}

async function runUntilEnd(
  proxy: ProxyProcess,
  { forProxy, isLive }: Arguments,
  demo: DemoOrigin | undefined,
  variables: Readonly<Record<string, string>>,
): Promise<number> {
  // A process of its own: a reader of the output who pauses stops neither the demo origin nor signals.
  const printer = spawn('cat', { detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
  const printed = once(printer, 'close');
  let signals = 0;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      signals += 1;
      // The second: at once, though nobody reads what there is to print.
      if (signals > 1) printer.kill();
      proxy.signal();
    });
  }
  // Where nobody reads any more, as with `| head`, the printer ends before the proxy.
  printer.once('exit', () => {
    proxy.signal();
  });
  printer.stdin.on('error', () => {
    proxy.signal();
  });

  let problem = '';
  try {
    const listening = await proxy.ready();
    if (listening === undefined && signals === 0) problem = proxy.whyEnded();
    if (listening !== undefined) {
      const unreachable = isLive ? await whyUnreachable(listening.origin) : undefined;
      const demoKey = demo && DEMO_SDK_KEY;
      const another = { ...variables, ...ofSecondReplica(process.env) };
      const text = await guide({
        root: ROOT,
        listening,
        demoKey,
        unreachable,
        args: forProxy,
        variables: another,
      });
      printer.stdin.write(text);
    }
  } catch (error) {
    proxy.signal();
    problem = error instanceof Error ? error.message : String(error);
  }
  proxy.pipeLog(printer.stdin);
  const status = await proxy.ended;
  await printed;
  if (problem === '') return status;
  console.error(`run_locally.sh: ${problem}`);
  return status === 0 ? 1 : status;
}

/** What another terminal does not have: the origin and the Redis of this one. */
function ofSecondReplica(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = /^(?:REDIS_|STATSIG_ENDPOINT$|LOG_EVENT_STATSIG_ENDPOINT$|ID_LISTS_STATSIG_ENDPOINT$)/;
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => names.test(entry[0]) && isSet(entry[1])),
  );
}

function nonEmpty(value: string | undefined, fallback: string): string {
  return isSet(value) ? value : fallback;
}
