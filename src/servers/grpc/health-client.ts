// Asks a gRPC server on this machine for its health: what `health --grpc` does.
import { Client, credentials, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { loadHealthService } from './protos.js';

const TIMEOUT_MS = 3_000;

/** Resolves with the serving status in words; rejects where there is no answer. `address`: host and port. */
export function askGrpcHealth(address: string, isTls: boolean, nowMs: number): Promise<string> {
  const { Check: check } = loadHealthService();
  if (check === undefined) throw new Error('the health service has no Check');
  // It asks itself: whose certificate that is, and for which name, is not in question.
  const byTls = (): ChannelCredentials =>
    credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  // No server name is asked for by an address.
  const name = { 'grpc.ssl_target_name_override': 'localhost' };
  const client = isTls
    ? new Client(address, byTls(), name)
    : new Client(address, credentials.createInsecure());
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service: '' },
      { deadline: nowMs + TIMEOUT_MS },
      (error: ServiceError | null, reply?: { readonly status?: number | string }) => {
        if (error === null) resolve(reply?.status === 1 ? 'SERVING' : 'NOT_SERVING');
        else reject(error);
      },
    );
  }).finally(() => {
    client.close();
  });
}
