// How the image starts the program: what its Dockerfile says, so that tests of memory and stacks run it likewise.
import { readFileSync } from 'node:fs';

const DOCKERFILE = new URL('../../Dockerfile', import.meta.url);

/** The options of node in the image's entry point. */
export function imageNodeArgs(): readonly string[] {
  const [, entryPoint] = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(DOCKERFILE, 'utf8')) ?? [];
  const [node, ...args] = JSON.parse(entryPoint ?? 'null') as string[];
  const main = args.pop();
  if (node !== 'node' || main !== '/app/dist/main.js')
    throw new Error(`unexpected entry point ${entryPoint}`);
  return args;
}
