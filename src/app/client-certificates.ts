// The certificates that this process shows as a client, to origins and to Redis: put to use, and reported before they expire.
import type { Config } from '../config/load-config.js';
import type { CertificateFiles } from '../config/certificate-files.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import type { ClientIdentity } from '../network/secure-context.js';
import { Certificates } from '../files/certificates.js';
import type { OpenedPlaces } from './backup-places.js';
import type { Feature } from './feature.js';
import type { World } from './world.js';

export interface ClientCertificates extends Feature {
  /** Undefined where none is shown. */
  readonly origins: Certificates | undefined;
  readonly redis: Certificates | undefined;
}

export function openClientCertificates(
  config: Pick<Config, 'originCertificate' | 'redisCertificate'>,
  { clock, log }: World,
  connections: Pick<SharedConnections, 'show'>,
  places: Pick<OpenedPlaces, 'showToRedis'>,
): ClientCertificates {
  const shownTo = (
    name: string,
    given: CertificateFiles | undefined,
    show: (identity: ClientIdentity) => void,
  ): Certificates | undefined => {
    if (given === undefined) return undefined;
    const certificates = new Certificates(clock, log, name, given.files);
    certificates.onRenewal(show);
    return certificates;
  };
  const origins = shownTo('origin client certificate', config.originCertificate, (identity) => {
    connections.show(identity);
  });
  const redis = shownTo('Redis client certificate', config.redisCertificate, places.showToRedis);
  return {
    name: 'client certificates',
    origins,
    redis,
    drain: () => {
      origins?.stop();
      redis?.stop();
    },
    status: () =>
      origins === undefined && redis === undefined
        ? {}
        : {
            clientCertificates: {
              ...(origins && { origins: origins.describe() }),
              ...(redis && { redis: redis.describe() }),
            },
          },
  };
}
