// A listening port whose queue of connections is full: the kernel drops the first packet of whoever comes next.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';

/** Of a process that is stopped, and listens with a backlog of one. */
export async function fillBacklog(t: TestContext, host: string, port: number): Promise<void> {
  for (let filling = 0; filling < 4; filling += 1) {
    const socket = connect(port, host);
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    if (filling < 2) await once(socket, 'connect');
  }
}
