// Asks a gRPC server for its health, with whatever credentials a client has.
import { Client, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { loadHealthService } from '../../src/servers/grpc/protos.js';

export function askHealth(address: string, credentials: ChannelCredentials): Promise<string> {
  const { Check: check } = loadHealthService();
  if (check === undefined) throw new Error('the health service has no Check');
  const client = new Client(address, credentials);
  return new Promise<string>((resolve, reject) => {
    const answer = (error: ServiceError | null, reply?: { readonly status?: unknown }): void => {
      if (error === null) resolve(reply?.status === 1 ? 'SERVING' : 'NOT_SERVING');
      else reject(error);
    };
    const { path, requestSerialize, responseDeserialize } = check;
    const deadline = { deadline: Date.now() + 10_000 };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: '' }, deadline, answer);
  }).finally(() => {
    client.close();
  });
}
