// Keeps connections whose answer is still on its way from being closed as idle.
import type { Server } from 'node:http';
import type { OpenConnections } from './open-connections.js';

/**
 * Node takes a connection for idle once its answer was handed over, though not yet sent: who reads slowly would be cut
 * off in the middle, and legacy node SDKs hang on a body shorter than its Content-Length. While any answer is unsent no
 * connection is closed as idle; whoever stops the server calls again until none is left.
 */
export function keepUnsentAnswers(server: Server, open: OpenConnections): void {
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    for (const socket of open.sockets) if (socket.writableLength > 0) return;
    closeIdleConnections();
  };
}
