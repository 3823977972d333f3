// node:net and nothing else: writes the same answer for every piece that arrives. What the fast lane could cost at the least.
import { get } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { answerParent } from './answer-parent.js';

/** Up to this size head and body are one buffer, as in the fast lane; larger ones are written together, as two. */
const JOINED_BYTES_MAX = 16_384;

const options = JSON.parse(process.argv[2] ?? '{}') as {
  /** Asked once: its answer is what is written. */
  readonly like: string;
  readonly headers: Record<string, string>;
};

get(options.like, { headers: options.headers, agent: false }, (response) => {
  // Asked without keep-alive, but its connections stay.
  const lines = Object.entries({ ...response.headers, connection: 'keep-alive' }).map(
    ([name, value]) => `${name}: ${String(value)}\r\n`,
  );
  const pieces: Buffer[] = [];
  response.on('data', (piece: Buffer) => pieces.push(piece));
  response.on('end', () => {
    serve(Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`), Buffer.concat(pieces));
  });
});

function serve(head: Buffer, body: Buffer): void {
  const joined = Buffer.concat([head, body]);
  const isJoined = body.length <= JOINED_BYTES_MAX;
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      if (isJoined) socket.write(joined);
      else writeTogether(socket, head, body);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    answerParent({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
}

function writeTogether(socket: Socket, head: Buffer, body: Buffer): void {
  socket.cork();
  socket.write(head);
  socket.write(body);
  socket.uncork();
}
