// The proxy over HTTP, as a benchmark server.
import { answerParent } from './answer-parent.js';
import { watchSelf, type SelfWatch } from './self-watch.js';
import { startProxy } from './start-proxy.js';

const app = await startProxy('http', process.argv[2]);
const ready = {
  url: `http://127.0.0.1:${app.httpPort ?? 0}`,
  httpsUrl: `https://127.0.0.1:${app.httpsPort ?? 0}`,
  adminUrl: `http://127.0.0.1:${app.adminPort}`,
};
let watch: SelfWatch | undefined;
// Watching costs CPU, so it begins with the first question.
answerParent(ready, () => ({ kind: 'watched', ...(watch ??= watchSelf()).take() }));
