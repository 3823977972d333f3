// The answer to a request for what could not be read: the same from the routes of every protocol.
import type { FastifyReply } from 'fastify';
import type { Reading } from '../../core/reader.js';
import { explainReading } from '../reading-text.js';
import { errorBody, sendError } from './error-reply.js';

export function sendReadingError(
  reply: FastifyReply,
  reading: Exclude<Reading, { readonly kind: 'held' }>,
): FastifyReply {
  switch (reading.kind) {
    case 'refused':
      return sendError(reply, errorBody('key_refused', explainReading(reading)));
    case 'not_pinned':
      return sendError(reply, errorBody('key_not_pinned', explainReading(reading)));
    case 'unavailable': {
      const origin = reading.detail === '' ? undefined : reading.detail;
      const retryAfterS = Math.max(1, Math.ceil(reading.retryAfterMs / 1000));
      return sendError(reply, errorBody(reading.cause, explainReading(reading), origin), retryAfterS);
    }
  }
}
