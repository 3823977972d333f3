// The gRPC service of config specs: its requests, and its answers as bytes that are encoded already.
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadService } from '../../../servers/grpc/protos.js';

const SERVICE = 'statsig_forward_proxy.StatsigForwardProxy';

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
  const service = loadService('statsig_forward_proxy.proto', SERVICE);
  const asTheyAre = (bytes: Buffer): Buffer => bytes;
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      { ...method, responseStream: true, responseSerialize: asTheyAre },
    ]),
  );
}
