// Loopback ports for servers that cannot take any free one by itself, or cannot say which it took.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the system gives to connections: of them one that was free a moment ago may be taken the next. */
const PORTS = { from: 15_000, to: 32_000 } as const;

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

const TRIES_MAX = 10;

/** Starts a server on a free port, and on another one where somebody else has taken that in the same moment. */
export async function onFreePort<Started>(start: (port: number) => Promise<Started>): Promise<Started> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (tries === TRIES_MAX || !String(error).includes('Address already in use')) throw error;
    }
  }
}
