// An end without an answer, for clients that would take any answer's body for what they asked for.
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { streamOf } from './request-source.js';

/** Closes the connection, or its stream of HTTP/2, in the place of this answer: those before it on the same connection are sent to their end. */
export function cutConnection(reply: FastifyReply): void {
  reply.hijack();
  const stream = streamOf(reply.request.raw);
  if (stream !== undefined) {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const { socket } = reply.raw;
  // Behind others that are not sent yet, an answer has no socket.
  if (socket === null) reply.raw.once('socket', closeWhenSent);
  else closeWhenSent(socket);
}

function closeWhenSent(socket: Socket): void {
  socket.destroySoon();
}
