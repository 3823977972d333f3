// Runs the tests: `node scripts/run-tests.mjs [OPTION] [FILE]...`; scripts/test-run/main.ts has the options.
import './typescript.mjs';

const { main } = await import('./test-run/main.ts');
await main(process.argv.slice(2));
