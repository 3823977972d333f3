// An outbound proxy as squid is set up by default: it forwards http:// urls, and opens tunnels to no port but 443.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface ForwardProxy {
  readonly url: string;
  /** Method, target and Host of each request, oldest first. */
  readonly asked: { readonly method: string; readonly target: string; readonly host: string }[];
  /** Connections opened since the start. */
  readonly connections: number;
  /** Done instead of forwarding, while it is set. */
  fault: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
}

export interface ForwardProxyOptions {
  /** User and password that it wants. */
  readonly login?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export async function startForwardProxy(
  t: { after(end: () => void): void },
  { login, tls }: ForwardProxyOptions = {},
): Promise<ForwardProxy> {
  const server = tls === undefined ? createServer() : createHttpsServer(tls);
  const asked: ForwardProxy['asked'] = [];
  let connections = 0;
  const isLoggedIn = ({ headers }: IncomingMessage): boolean =>
    login === undefined ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(login).toString('base64')}`;
  const note = ({ method = '', url = '', headers }: IncomingMessage): void => {
    asked.push({ method, target: url, host: headers.host ?? '' });
  };
  server.on('connection', () => (connections += 1));
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    note(incoming);
    if (!isLoggedIn(incoming)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="squid"', 'content-length': 0 }).end();
    } else if (proxy.fault !== undefined) proxy.fault(incoming, response);
    else forward(incoming, response);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    note(incoming);
    socket.on('error', () => socket.destroy());
    socket.end('HTTP/1.1 403 Forbidden\r\nx-squid-error: ERR_ACCESS_DENIED 0\r\ncontent-length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: ForwardProxy = {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    asked,
    get connections() {
      return connections;
    },
    fault: undefined,
  };
  return proxy;
}

function forward(incoming: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '', headers } = incoming;
  if (!url.startsWith('http://')) {
    response.writeHead(400, { 'content-length': 0 }).end();
    return;
  }
  const passedOn = { ...headers };
  delete passedOn['proxy-authorization'];
  const onward = request(url, { method, headers: passedOn, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  incoming.pipe(onward);
}
