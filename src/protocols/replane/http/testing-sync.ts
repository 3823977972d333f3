// For Replane's own tests, which wait after each change until its server has taken it in: the same through this proxy.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AddRoutes } from '../../../servers/http/http-server.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { projectKey, SYNC_PATH } from '../project-kind.js';
import { bearerOf, sendMissingKey } from './replane-routes.js';

export interface SyncRooms {
  /** Resolves once Replane's server has taken in every change, with its status; rejects where it cannot be asked. */
  readonly syncOrigin: (sdkKey: string) => Promise<number>;
  /** Reads the project again; joins a reading that is under way. */
  readonly refresh: (key: PayloadKey) => Promise<unknown>;
}

export function testingSyncRoutes({ syncOrigin, refresh }: SyncRooms): AddRoutes {
  return (app) => {
    app.post(SYNC_PATH, async (request: FastifyRequest, reply: FastifyReply) => {
      const sdkKey = bearerOf(request);
      if (sdkKey === undefined) return sendMissingKey(reply);
      const status = await syncOrigin(sdkKey);
      if (status !== 200) {
        return sendError(reply, errorBody('origin_failing', `Replane's server answered with ${status}.`));
      }
      const key = projectKey(sdkKey);
      // The first may have begun before the server had taken in everything.
      await refresh(key);
      await refresh(key);
      return reply.header('content-type', 'application/json').send('{"status":"synced"}');
    });
  };
}
