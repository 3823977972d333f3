// Statsig's end of log events: takes or refuses every batch at once, as its parent says. Also the bare server beside us.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from './answer-parent.js';

const ACCEPTED = Buffer.from('{"success":true}');
let status = 202;
let batches = 0;

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    batches += 1;
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': ACCEPTED.length });
    response.end(ACCEPTED);
  });
});
server.keepAliveTimeout = 72_000;
server.listen(0, '127.0.0.1', () => {
  answerParent({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }, (message) => {
    if (message['kind'] === 'answer') status = Number(message['status']);
    return { kind: 'done', batches };
  });
});
