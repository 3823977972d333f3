// Opens a stream of config specs, as a gRPC SDK does, and prints a line for each message: for trying the proxy.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1:50051' },
    key: { type: 'string', default: 'secret-demo-key-for-trying-out' },
    version: { type: 'string', default: '2' },
  },
});

interface ConfigSpecResponse {
  readonly spec: string;
  readonly lastUpdated: number;
}

const proto = fileURLToPath(new URL('../proto/statsig_forward_proxy.proto', import.meta.url));
const service = loadSync(proto, { longs: Number })['statsig_forward_proxy.StatsigForwardProxy'];
const method = service !== undefined && !('format' in service) ? service['StreamConfigSpec'] : undefined;
if (method === undefined) throw new Error('no StreamConfigSpec in the proto file');

const client = new Client(values.address, credentials.createInsecure(), {
  'grpc.max_receive_message_length': -1,
});
const request = { sdkKey: values.key, version: Number(values.version), sinceTime: 0 };
const call = client.makeServerStreamRequest(
  method.path,
  method.requestSerialize,
  (bytes: Buffer) => method.responseDeserialize(bytes) as ConfigSpecResponse,
  request,
);
call.on('data', ({ spec, lastUpdated }: ConfigSpecResponse) => {
  const greeting = /"greeting":"[^"]*"/.exec(spec)?.[0] ?? '';
  const what =
    spec === '{"has_updates":false}' ? 'no updates' : `spec of ${spec.length} characters ${greeting}`;
  console.log(`${new Date().toISOString()} lastUpdated ${lastUpdated}: ${what}`);
});
call.on('error', (error: ServiceError) => {
  console.error(`stream ended: ${error.message}`);
  process.exitCode = 1;
});
