// Receivers of datagrams as statsd and Datadog's agent are: over UDP, or a Unix socket; can go away and come back.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { DgramSocket } from 'node-unix-socket';
import { eventually } from '../e2e/deadline.js';

export interface DatagramReceiver {
  readonly port: number;
  readonly datagrams: readonly Buffer[];
  /** Every line that came, oldest first. */
  readonly lines: readonly string[];
  /** Waits for a line that matches, and gives it. */
  line(pattern: RegExp): Promise<string>;
  close(): Promise<void>;
}

export async function receiveUdp(port = 0, host = '127.0.0.1'): Promise<DatagramReceiver> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const datagrams: Buffer[] = [];
  socket.on('message', (datagram) => datagrams.push(datagram));
  socket.bind(port, host);
  await once(socket, 'listening');
  const { port: bound } = socket.address();
  return describe(bound, datagrams, async () => {
    socket.close();
    await once(socket, 'close');
  });
}

export function receiveUnix(path: string): DatagramReceiver {
  const socket = new DgramSocket();
  const datagrams: Buffer[] = [];
  socket.on('data', (datagram: Buffer) => datagrams.push(datagram));
  socket.bind(path);
  return describe(0, datagrams, async () => {
    socket.close();
    rmSync(path, { force: true });
  });
}

function describe(port: number, datagrams: readonly Buffer[], close: () => Promise<void>): DatagramReceiver {
  const receiver: DatagramReceiver = {
    port,
    datagrams,
    get lines() {
      return datagrams.flatMap((datagram) => datagram.toString().split('\n')).filter((line) => line !== '');
    },
    line: async (pattern) => {
      const find = (): string | undefined => receiver.lines.find((line) => pattern.test(line));
      await eventually(`a line like ${String(pattern)}`, () => find() !== undefined);
      return find() ?? '';
    },
    close,
  };
  return receiver;
}
