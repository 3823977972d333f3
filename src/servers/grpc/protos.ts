// The services this proxy speaks, loaded from proto/ once per server; answers are handed over as bytes already encoded.
import { fileURLToPath } from 'node:url';
import { type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** From src/servers/grpc as from dist/servers/grpc. */
const PROTO_FOLDER = new URL('../../../proto/', import.meta.url);
const SERVICE = 'statsig_forward_proxy.StatsigForwardProxy';
const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** A request as proto-loader gives it; `version` and `sinceTime` are optional fields. */
export interface ConfigSpecRequest {
  readonly sdkKey: string;
  readonly version?: number;
  readonly sinceTime?: number;
}

/**
 * The service whose answers are bytes of encoded messages. Both calls are streams here: on the wire, an answer of one
 * message is a stream of one, and so the bytes of a version are shared by all answers, and a client that does not read
 * them is noticed.
 */
export function loadConfigSpecService(): ServiceDefinition {
  const service = serviceIn(load('statsig_forward_proxy.proto'), SERVICE);
  const asTheyAre = (bytes: Buffer): Buffer => bytes;
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      { ...method, responseStream: true, responseSerialize: asTheyAre },
    ]),
  );
}

export function loadHealthService(): ServiceDefinition {
  return serviceIn(load('health.proto'), HEALTH_SERVICE);
}

function load(file: string): PackageDefinition {
  return loadSync(fileURLToPath(new URL(file, PROTO_FOLDER)), { keepCase: true, longs: Number });
}

function serviceIn(definition: PackageDefinition, name: string): ServiceDefinition {
  const service = definition[name];
  if (service === undefined || 'format' in service) throw new Error(`no service ${name} in its proto file`);
  return service;
}
