// One replica of a fleet, over both protocols, as a benchmark server.
import { answerParent } from './answer-parent.js';
import { watchSelf, type SelfWatch } from './self-watch.js';
import { startProxy } from './start-proxy.js';

const app = await startProxy('grpc-and-http', process.argv[2]);
let watch: SelfWatch | undefined;
answerParent(
  {
    url: `http://127.0.0.1:${app.httpPort ?? 0}`,
    grpcUrl: `http://127.0.0.1:${app.grpcPort ?? 0}`,
  },
  // Watching costs CPU, so it begins with the first question.
  () => ({ kind: 'watched', ...(watch ??= watchSelf()).take() }),
);
