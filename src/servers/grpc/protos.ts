// Services loaded from proto/, once per server.
import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** From src/servers/grpc as from dist/servers/grpc. */
const PROTO_FOLDER = new URL('../../../proto/', import.meta.url);
const HEALTH_SERVICE = 'grpc.health.v1.Health';

export function loadHealthService(): ServiceDefinition {
  return loadService('health.proto', HEALTH_SERVICE);
}

/** `file`: below proto/. */
export function loadService(file: string, name: string): ServiceDefinition {
  const path = fileURLToPath(new URL(file, PROTO_FOLDER));
  const service = loadSync(path, { keepCase: true, longs: Number })[name];
  if (service === undefined || 'format' in service) throw new Error(`no service ${name} in its proto file`);
  return service;
}
