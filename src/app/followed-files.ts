// The files that settings name and that may change meanwhile, and what becomes of new contents.
import { readCa, type CertificateFiles } from '../config/certificate-files.js';
import type { Config } from '../config/load-config.js';
import { readPinnedKeys } from '../config/pinned-keys.js';
import type { Setting } from '../config/setting.js';
import { settings } from '../config/settings.js';
import { nameSdkKeys } from '../domain/sdk-key.js';
import { withTexts } from '../domain/tls-files.js';
import type { Certificates } from '../files/certificates.js';
import { FileFollower, type FollowedFile } from '../files/followed-files.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import type { AccessRooms } from './access.js';
import type { OpenedPlaces } from './backup-places.js';
import type { ClientCertificates } from './client-certificates.js';
import type { Feature } from './feature.js';
import type { PinnedPayloads } from './pinned-payloads.js';
import type { Profiling } from './profiling.js';
import type { World } from './world.js';

export interface FileReaders {
  readonly pinned: PinnedPayloads;
  readonly connections: SharedConnections;
  readonly places: Pick<OpenedPlaces, 'trustForRedis'>;
  /** Of the TLS ports; undefined without TLS. */
  readonly servers: { readonly certificates: Certificates | undefined };
  readonly clientCertificates: ClientCertificates;
  readonly access: Pick<AccessRooms, 'files' | 'trust'>;
  readonly profiling: Pick<Profiling, 'trust'>;
  readonly dataKeyFiles: readonly FollowedFile[];
}

/** The password file of Redis is not among them: it is read at each connection. */
export function followFiles(config: Config, { clock, log }: World, readers: FileReaders): FileFollower {
  const { pinned, connections, places, access, profiling } = readers;
  const { originCaFile, originCaPem, redisCaFile, redisCaPem } = config;
  return new FileFollower(clock, log, [
    ...keysFile(config, log, pinned),
    ...certificateFiles(config.tls, readers.servers.certificates),
    ...certificateFiles(config.originCertificate, readers.clientCertificates.origins),
    ...certificateFiles(config.redisCertificate, readers.clientCertificates.redis),
    ...access.files,
    ...readers.dataKeyFiles,
    ...caFile('origin CA file', settings.originCaFile, originCaFile, originCaPem, (pem) => {
      connections.trust(pem);
      access.trust(pem);
      profiling.trust(pem);
    }),
    ...caFile('Redis CA file', settings.redisCaFile, redisCaFile, redisCaPem, (pem) => {
      places.trustForRedis(pem);
    }),
  ]);
}

export function fileFeature(follower: FileFollower): Feature {
  return {
    name: 'files that settings name',
    open: () => {
      follower.start();
    },
    drain: () => {
      follower.stop();
    },
    problems: () =>
      follower.failing.map(({ name, faults, sinceMs }) => {
        const what = `${name}: ${faults.join('; ')}`;
        return { reason: 'file_not_taken_over', what, sinceMs, count: 1 };
      }),
  };
}

function certificateFiles(
  given: CertificateFiles | undefined,
  certificates: Certificates | undefined,
): readonly FollowedFile[] {
  if (given === undefined || certificates === undefined) return [];
  const { paths, files } = given;
  const texts = [files.certificate, files.key, files.clientCa].flatMap((file) => file?.pem ?? []);
  const takeOver: FollowedFile['takeOver'] = (found) => certificates.takeOver(withTexts(files, found));
  return [{ name: certificates.name, paths, texts, takeOver }];
}

function keysFile(config: Config, log: Logger, pinned: PinnedPayloads): readonly FollowedFile[] {
  if (config.sdkKeysFile === '') return [];
  const takeOver: FollowedFile['takeOver'] = ([text = '']) => {
    const { sdkKeys, names, faults } = readPinnedKeys(config, () => text);
    if (faults.length === 0) {
      nameSdkKeys(names);
      inBackground(pinned.pin(sdkKeys), log);
    }
    return { faults, facts: { pinnedSdkKeys: sdkKeys.size } };
  };
  return [{ name: 'SDK keys file', paths: [config.sdkKeysFile], texts: [config.sdkKeysText], takeOver }];
}

/** `pem`: what was in it at the start; undefined where it was not read, as nobody asks for it. */
function caFile(
  name: string,
  setting: Setting,
  path: string,
  pem: string | undefined,
  trust: (pem: string) => void,
): readonly FollowedFile[] {
  if (pem === undefined) return [];
  const takeOver: FollowedFile['takeOver'] = ([text = '']) => {
    const { faults } = readCa(setting, path, () => text);
    if (faults.length === 0) trust(text);
    return { faults };
  };
  return [{ name, paths: [path], texts: [pem], takeOver }];
}
