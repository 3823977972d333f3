// The proxy over gRPC, as a benchmark server, and its peak memory.
import { answerParent } from './answer-parent.js';
import { watchSelf } from './grpc-self-watch.js';
import { startProxy } from './start-proxy.js';

const watch = watchSelf();
const app = await startProxy('grpc', process.argv[2]);
const ready = { url: `http://127.0.0.1:${app.grpcPort ?? 0}`, adminUrl: `http://127.0.0.1:${app.adminPort}` };
answerParent(ready, () => ({ kind: 'watched', ...watch.take() }));
