// A network between two processes that a test can break: cut, so that connections end, or silent, so that nothing comes.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface TcpProxy {
  /** On 127.0.0.1; the same for as long as the proxy is there. */
  readonly port: number;
  /** When each connection to the target was opened, by `performance.now()`, oldest first. */
  readonly connectedAtMs: readonly number[];
  /** Ends every connection, and refuses new ones. */
  cut(): Promise<void>;
  /** Nothing gets through in either direction any more, and nobody is told. */
  silence(): void;
  /** All is well again; what was sent over a connection while it was silent arrives late. */
  heal(): Promise<void>;
}

/** One connection from a client, and ours to the target once there is one. */
interface Link {
  readonly client: Socket;
  target: Socket | undefined;
}

/** Stands before 127.0.0.1:`targetPort`, asked for at each connection where it may change; gone when the test is over. */
export async function startTcpProxy(t: TestContext, targetPort: number | (() => number)): Promise<TcpProxy> {
  const portNow = (): number => (typeof targetPort === 'number' ? targetPort : targetPort());
  const links = new Set<Link>();
  const connectedAtMs: number[] = [];
  let isSilent = false;

  const open = (link: Link): void => {
    const target = connect(portNow(), '127.0.0.1', () => connectedAtMs.push(performance.now()));
    link.target = target;
    closeTogether(link.client, target);
    link.client.pipe(target).pipe(link.client);
  };
  const server = createServer((client) => {
    const link: Link = { client, target: undefined };
    links.add(link);
    client.once('close', () => links.delete(link));
    // A connection that breaks is what this is for.
    client.on('error', () => undefined);
    if (!isSilent) open(link);
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;

  const cut = async (): Promise<void> => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const { client, target } of links) {
      client.destroy();
      target?.destroy();
    }
    await closed;
  };
  t.after(cut);
  return {
    port,
    connectedAtMs,
    cut,
    silence: () => {
      isSilent = true;
      for (const { client, target } of links) {
        if (target === undefined) continue;
        client.unpipe(target).pause();
        target.unpipe(client).pause();
      }
    },
    heal: async () => {
      const wasSilent = isSilent;
      isSilent = false;
      if (!server.listening) await listen(server, port);
      // What flows already would flow twice.
      if (!wasSilent) return;
      for (const link of links) {
        if (link.target === undefined) open(link);
        else link.client.pipe(link.target).pipe(link.client);
      }
    },
  };
}

function closeTogether(client: Socket, target: Socket): void {
  target.on('error', () => undefined);
  target.once('close', () => client.destroy());
  client.once('close', () => target.destroy());
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
