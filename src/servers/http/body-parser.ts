// Receives the bodies of routes that take small ones, whatever type they claim to have, and hands over what was read of them.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorBody, type ErrorBody } from './error-reply.js';
import type { BodyRoom, ReceivedBody } from './request-body.js';

/** Bodies are `{"sinceTime": n, "statsigMetadata": {…}}`. */
const BODY_BYTES_MAX = 65_536;
const RETRY_SOON_S = 1;

/** To be answered with this, and after so many seconds perhaps tried again. */
export class RefusedBody extends Error {
  readonly body: ErrorBody;
  readonly retryAfterS: number | undefined;

  constructor(body: ErrorBody, retryAfterS?: number) {
    super(body.message);
    this.body = body;
    this.retryAfterS = retryAfterS;
  }
}

/** What `read` makes of a body becomes `request.body`; the body itself is let go of, however long the answer takes. */
export function addBodyParser(app: FastifyInstance, bodies: BodyRoom, read: (body: Buffer) => unknown): void {
  app.removeAllContentTypeParsers();
  // Some SDKs send JSON without saying so.
  app.addContentTypeParser('*', (request: FastifyRequest) =>
    bodies.receive(request.raw, BODY_BYTES_MAX, async (received) => {
      if (received.kind === 'received') return read(received.body);
      throw toRefusal(received);
    }),
  );
}

function toRefusal({ kind }: Exclude<ReceivedBody, { readonly kind: 'received' }>): RefusedBody {
  switch (kind) {
    case 'too-large':
      return new RefusedBody(errorBody('body_too_large', `The body is larger than ${BODY_BYTES_MAX} bytes.`));
    case 'no-room':
      return new RefusedBody(
        errorBody('too_many_bodies', 'Too many bodies arrive at one time: try again.'),
        RETRY_SOON_S,
      );
    case 'broken-off':
      return new RefusedBody(errorBody('body_invalid', 'The body broke off.'));
  }
}
