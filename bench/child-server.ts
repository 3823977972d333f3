// A server in a process of its own, so that its CPU time and memory are its own: started, asked, stopped over IPC.
import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface Usage {
  /** CPU time of the process so far. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Objects and buffers that are in use. */
  readonly heldBytes: number;
}

export interface ChildServer {
  readonly url: string;
  /** What the server said of itself when it was ready, besides its URL. */
  readonly told: Readonly<Record<string, unknown>>;
  /** Collects garbage, after the CPU time was taken; V8 lets go of compiled code as well, so never ask just before something is timed. */
  usage(): Promise<Usage>;
  /** CPU time so far. */
  readonly cpuMs: () => Promise<number>;
  /** Sends a message that the server knows, and waits for its answer. */
  ask(message: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  stop(): Promise<void>;
}

/** `file`: a script beside this one; `options` are handed to it as JSON; `env` is added to the environment. */
export async function startChildServer(
  file: string,
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<ChildServer> {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(options)], {
    execArgv: ['--import', new URL('../scripts/typescript.mjs', import.meta.url).href, '--expose-gc'],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const next = async (): Promise<Readonly<Record<string, unknown>>> => {
    const [message] = (await once(child, 'message')) as [Record<string, unknown>];
    return message;
  };
  const ask: ChildServer['ask'] = async (message) => {
    const answer = next();
    child.send(message);
    return await answer;
  };
  const told = await next();
  return {
    url: String(told['url']),
    told,
    ask,
    usage: async () => (await ask({ kind: 'usage' })) as unknown as Usage,
    cpuMs: async () => Number((await ask({ kind: 'cpu' }))['cpuMs']),
    stop: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
