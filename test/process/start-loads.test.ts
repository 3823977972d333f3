// What a start loads: nothing that takes tens of milliseconds and is for settings that are not used, or for later.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { daemonArgs, startProgram } from './daemon.js';
import { NO_ORIGIN } from './origin.js';
import { temporaryFile } from './temporary-file.js';

/** Says what it has loaded when it is told to end. */
const REPORT = `import { createRequire } from 'node:module';
const { cache } = createRequire(import.meta.url);
process.on('exit', () => {
  process._rawDebug(JSON.stringify({ files: Object.keys(cache), builtIn: process.moduleLoadList }));
});`;

test('a start over HTTP leaves what is costly to load until it is needed', async (t) => {
  const report = pathToFileURL(temporaryFile(t, REPORT, 'report.mjs')).href;
  const program = startProgram(t, daemonArgs(NO_ORIGIN), { nodeArgs: ['--import', report] });
  await program.line('listening');
  program.signal('SIGTERM');
  const { stderr } = await program.ended;
  const { files, builtIn } = JSON.parse(stderr) as { files: string[]; builtIn: string[] };
  const loaded = (part: string): boolean => files.some((file) => file.includes(`/node_modules/${part}`));
  assert.ok(loaded('fastify/') && loaded('undici/lib/dispatcher/pool.js'), 'the list is empty');
  for (const part of [
    'undici/index.js',
    'prom-client/',
    '@opentelemetry/',
    '@grpc/',
    'ioredis/',
    'hot-shots/',
  ])
    assert.ok(!loaded(part), part);
  // Its own copy of undici, for `fetch`.
  assert.deepEqual(
    builtIn.filter((name) => name.includes('deps/undici')),
    [],
  );
});
