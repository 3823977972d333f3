// The proxy over gRPC, as a benchmark server, and its peak memory.
import { answerParent } from './answer-parent.js';
import { watchSelf } from './self-watch.js';
import { startProxy } from './start-proxy.js';

const watch = watchSelf();
const app = await startProxy('grpc', process.argv[2]);
answerParent({ url: `http://127.0.0.1:${app.grpcPort ?? 0}` }, () => ({ kind: 'watched', ...watch.take() }));
