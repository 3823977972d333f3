// Clients that do nothing but TLS handshakes, none of them resumed: a number of connections at once, each begun as one ends.
import { connect } from 'node:tls';
import { answerParent } from './answer-parent.js';

const options = JSON.parse(process.argv[2] ?? '{}') as { readonly url: string; readonly atOnce: number };
const { hostname, port } = new URL(options.url);
let handshakes = 0;
const failures: string[] = [];

function shake(): void {
  // Whose certificate it is costs the server nothing.
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  socket.once('secureConnect', () => {
    handshakes += 1;
    socket.end();
  });
  socket.once('error', ({ message }: Error) => failures.push(message));
  socket.once('close', shake);
  socket.resume();
}

for (let begun = 0; begun < options.atOnce; begun += 1) shake();
answerParent({ url: '' }, () => ({ kind: 'done', handshakes, failures: failures.slice(0, 3) }));
