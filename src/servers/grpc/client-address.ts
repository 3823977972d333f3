// The address that a call comes from, without its port: clients of one address share what is divided among clients.
import type { ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';

type Call = Pick<ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>, 'getPeer'>;

export function addressOf(call: Call): string {
  return call.getPeer().replace(/:\d+$/, '');
}
