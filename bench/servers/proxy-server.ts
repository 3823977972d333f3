// The proxy itself, with the options of a user, on free loopback ports.
import { startApp } from '../../src/app/app.js';
import { readCommandLine } from '../../src/cli.js';
import { loadConfig } from '../../src/config/load-config.js';
import { systemClock } from '../../src/domain/clock.js';
import { createLogger } from '../../src/observability/logger.js';
import { answerParent } from './answer-parent.js';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly origin: string;
  readonly args?: readonly string[];
};
const fixed = ['http', 'disabled', '--host', '127.0.0.1', '--http-port', '0', '--admin-port', '0'];
const typed = readCommandLine(
  [...fixed, '--statsig-endpoint', options.origin, ...(options.args ?? [])],
  'bench',
);
if (typed.kind !== 'run') throw new Error('wrong options');
const loaded = loadConfig(typed.line, { env: {}, hostName: 'bench', readFile: () => '' });
if (loaded.kind === 'faults') throw new Error(loaded.faults.join('; '));
const silent = { write: () => undefined };
const log = createLogger(silent, { debug: false, instanceName: 'bench', version: 'bench' });
const app = await startApp(loaded.config, { clock: systemClock, log, version: 'bench' });
answerParent({ url: `http://127.0.0.1:${app.httpPort}`, adminUrl: `http://127.0.0.1:${app.adminPort}` });
