// The body of a request for a stream: read as it comes and let go of, but for the names of configs that have to be there.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { JsonScanner } from '../../../json/json-scanner.js';
import { RefusedBody } from '../../../servers/http/body-parser.js';
import { errorBody } from '../../../servers/http/error-reply.js';
import type { BodyRoom } from '../../../servers/http/request-body.js';

/** SDKs send all configs that they hold, each of a megabyte perhaps. */
export const STREAM_BODY_BYTES_MAX = 64 * 1024 * 1024;
const NAMES_MAX = 1_000;

/** From then on, `request.body` holds the names, in every route of the scope. */
export function addAskedConfigs(scope: FastifyInstance, bodies: BodyRoom): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (request: FastifyRequest) => readAskedConfigs(request, bodies));
}

async function readAskedConfigs(request: FastifyRequest, bodies: BodyRoom): Promise<readonly string[]> {
  const names = new AskedNames();
  const end = await bodies.pass(request.raw, STREAM_BODY_BYTES_MAX, names.push.bind(names));
  if (end === 'ended') return names.read();
  throw new RefusedBody(
    end === 'too-large'
      ? errorBody('body_too_large', `The body is larger than ${STREAM_BODY_BYTES_MAX} bytes.`)
      : errorBody('body_invalid', 'The body broke off.'),
  );
}

/** A body that says nothing that can be understood asks for nothing: Replane's server takes it so. */
export class AskedNames {
  readonly #scanner = new JsonScanner([], ['requiredConfigs']);
  #isJson = true;

  push(piece: Uint8Array): void {
    if (!this.#isJson) return;
    try {
      this.#scanner.push(piece);
    } catch {
      this.#isJson = false;
    }
  }

  read(): readonly string[] {
    if (!this.#isJson) return [];
    try {
      const names = this.#scanner.end().get('requiredConfigs');
      if (!Array.isArray(names)) return [];
      return names.filter((name): name is string => typeof name === 'string').slice(0, NAMES_MAX);
    } catch {
      return [];
    }
  }
}
