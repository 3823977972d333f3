// Services loaded from proto/, once per server.
import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const HEALTH_SERVICE = 'grpc.health.v1.Health';

export function loadHealthService(): ServiceDefinition {
  return loadService('health.proto', HEALTH_SERVICE);
}

/** `file`: below proto/. */
export function loadService(file: string, name: string): ServiceDefinition {
  const path = fileURLToPath(import.meta.resolve(`#proto/${file}`));
  const service = loadSync(path, { keepCase: true, longs: Number })[name];
  if (service === undefined || 'format' in service) throw new Error(`no service ${name} in its proto file`);
  return service;
}
