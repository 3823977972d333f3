// The HTTP/2 server below a gRPC server, where limits can be set that grpc-js has no option for.
import type { Server } from '@grpc/grpc-js';
import type { Http2Server } from 'node:http2';

/** Of its one injector of connections. It is a private member of grpc-js: without it nothing would be limited. */
export function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { readonly http2Servers?: unknown };
  const [http2] = http2Servers instanceof Map ? (http2Servers.keys() as MapIterator<Http2Server>) : [];
  if (http2 === undefined) throw new Error('this release of grpc-js hides its HTTP/2 servers');
  return http2;
}
