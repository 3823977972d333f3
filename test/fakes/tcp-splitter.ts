// What a Service of Kubernetes is to its clients: each connection goes to one of several servers, by turns, from a list that lags.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface TcpSplitter {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Ports of the servers; whoever changes the list decides how late. */
  readonly targets: Set<number>;
  /** Connections that a server refused, or closed while it owed an answer; in words. */
  readonly failures: readonly string[];
  /** Connections to each port that were opened. */
  readonly opened: ReadonlyMap<number, number>;
}

/** Gone when the test is over. */
export async function startTcpSplitter(t: TestContext, targets: readonly number[]): Promise<TcpSplitter> {
  const list = new Set(targets);
  const failures: string[] = [];
  const opened = new Map<number, number>();
  let turn = 0;
  const server = createServer((client) => {
    const ports = [...list];
    turn += 1;
    const port = ports[turn % ports.length] ?? 0;
    opened.set(port, (opened.get(port) ?? 0) + 1);
    const target = connect(port, '127.0.0.1');
    let owesAnswer = false;
    client.on('data', () => (owesAnswer = true));
    target.on('data', () => (owesAnswer = false));
    client.pipe(target).pipe(client);
    client.on('error', () => undefined);
    target.on('error', ({ message }) => {
      failures.push(`${port}: ${message}`);
    });
    target.once('end', () => {
      if (owesAnswer) failures.push(`${port}: closed without an answer`);
    });
    target.once('close', () => client.destroy());
    client.once('close', () => target.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, targets: list, failures, opened };
}
