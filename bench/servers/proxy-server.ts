// The proxy over HTTP, as a benchmark server.
import { answerParent } from './answer-parent.js';
import { startProxy } from './start-proxy.js';

const app = await startProxy('http', process.argv[2]);
answerParent({
  url: `http://127.0.0.1:${app.httpPort ?? 0}`,
  adminUrl: `http://127.0.0.1:${app.adminPort}`,
});
