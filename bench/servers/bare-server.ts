// node:http and nothing else: answers every request with the bytes and headers of one answer it was shown at start.
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from './answer-parent.js';

const ADDED_BY_NODE: readonly string[] = ['date', 'connection', 'keep-alive'];

const TEXT_BYTES_MAX = 1024;

const options = JSON.parse(process.argv[2] ?? '{}') as {
  /** Asked once: its answer is what is served. */
  readonly like: string;
  readonly headers: Record<string, string>;
};

get(options.like, { headers: options.headers, agent: false }, (response) => {
  const headers = Object.fromEntries(
    Object.entries(response.headers).filter(([name]) => !ADDED_BY_NODE.includes(name)),
  );
  const pieces: Buffer[] = [];
  response.on('data', (piece: Buffer) => pieces.push(piece));
  response.on('end', () => {
    serve(headers, Buffer.concat(pieces));
  });
});

function serve(headers: NodeJS.Dict<string | string[]>, bytes: Buffer): void {
  // Node writes a short text together with the headers: the fastest a bare server can be.
  const body = bytes.length <= TEXT_BYTES_MAX ? bytes.toString() : bytes;
  const server = createServer((_request, response) => {
    response.writeHead(200, headers).end(body);
  });
  server.keepAliveTimeout = 72_000;
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    answerParent({ url: `http://127.0.0.1:${port}`, bodyBytes: bytes.length });
  });
}
