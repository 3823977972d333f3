// Spans of the HTTP server's requests: stated where an answer was sent, and around all that leads to it.
import type { FastifyInstance } from 'fastify';
import type { Tracing } from '../../observability/tracing.js';
import { AnsweredRequest } from './answered-request.js';
import { FastifyExchange, type NamedKey } from './fastify-exchange.js';

const ERROR_STATUS_MIN = 400;
const SERVER_ERROR_STATUS_MIN = 500;

/** Probes have none, and neither has what strangers try. */
export function traceRequests(app: FastifyInstance, tracing: Tracing, namedKey: NamedKey): void {
  const exchange = new FastifyExchange(namedKey);
  const answered = new AnsweredRequest();
  // Behind the arrival of a body, which comes in the connection's own context.
  app.addHook('preHandler', (request, _reply, done) => {
    tracing.within(request, request.headers, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { route, path, method, status, latencyMs } = answered.of(exchange.of(request, reply));
    if (route !== undefined && path !== undefined) {
      tracing.answered(request, request.headers, {
        latencyMs,
        isFailed: status >= ERROR_STATUS_MIN,
        describe: () => ({
          name: `${method} ${path}`,
          attributes: {
            'http.request.method': method,
            'http.route': path,
            'http.response.status_code': status,
            ...(status >= SERVER_ERROR_STATUS_MIN && { 'error.type': String(status) }),
          },
        }),
      });
    }
    done();
  });
}
