// Ends answers that wait behind others on a connection when it closes: Node tells only of the one that was being sent.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Whatever such an answer is made from, as the copy of a file, would be kept for it for ever. */
export function endLostAnswers(server: Server): void {
  const unsent = new WeakMap<Socket, Set<ServerResponse>>();
  server.on('connection', (socket) => {
    const answers = new Set<ServerResponse>();
    unsent.set(socket, answers);
    socket.once('close', () => {
      for (const answer of answers) {
        // Of the one that has the socket, and of one that was sent, Node tells.
        if (answer.socket !== null || answer.writableFinished) continue;
        answer.destroy();
        answer.emit('close');
      }
    });
  });
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const answers = unsent.get(socket);
    answers?.add(answer);
    answer.once('close', () => answers?.delete(answer));
  });
}
