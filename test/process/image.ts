// How the image starts the program: what its Dockerfile says, so that tests of memory and stacks, and benches, run it likewise.
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

/** The variables of the image that glibc reads. */
export function imageMallocVariables(): Readonly<Record<string, string>> {
  const lines = readFileSync(DOCKERFILE, 'utf8').matchAll(/^ENV (MALLOC_\w+)=(\d+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name = '', value = '']) => [name, value]));
}
