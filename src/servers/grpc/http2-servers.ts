// The HTTP/2 servers below a gRPC server, where limits can be set that grpc-js has no option for.
import type { Server } from '@grpc/grpc-js';
import type { Http2Server } from 'node:http2';

/** Those of the ports bound so far. They are a private member of grpc-js: without them nothing would be limited. */
export function http2ServersOf(server: Server): readonly Http2Server[] {
  const { http2Servers } = server as unknown as { readonly http2Servers?: unknown };
  if (!(http2Servers instanceof Map)) throw new Error('this release of grpc-js hides its HTTP/2 servers');
  return [...http2Servers.keys()] as readonly Http2Server[];
}
