// A certificate and its key in files that settings name: both given, read, and fitting each other; and authorities in a file.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { certificatesIn, faultsOfTls, type PemFile, type TlsFiles } from '../domain/tls-files.js';
import { fileFault } from '../files/small-file.js';
import { sourceOf, type Setting } from './setting.js';

export interface CertificateFiles {
  readonly files: TlsFiles;
  /** Of the certificate, the key and, where there is one, the file of authorities of clients. */
  readonly paths: readonly string[];
}

/** A setting, as sentences name it, and the path that it was given. */
export type NamedPath = readonly [setting: string, path: string];

export interface ReadCertificate {
  /** Undefined where there are faults. */
  readonly certificate: CertificateFiles | undefined;
  readonly faults: readonly string[];
}

/** Empty where both files are named, or neither. */
export function faultsOfHalfPair(
  [certSetting, certPath]: NamedPath,
  [keySetting, keyPath]: NamedPath,
): readonly string[] {
  if ((certPath === '') === (keyPath === '')) return [];
  const [given, missing] = certPath === '' ? [keySetting, certSetting] : [certSetting, keySetting];
  return [`${given} is of no use alone: ${missing} is missing`];
}

export function readCertificateFiles(
  named: readonly [certificate: NamedPath, key: NamedPath, clientCa?: NamedPath],
  readFile: (path: string) => string,
  nowMs: number,
): ReadCertificate {
  const faults: string[] = [];
  const read = ([setting, path]: NamedPath): PemFile => {
    try {
      return { name: `${setting} ${path}`, pem: readFile(path) };
    } catch (error) {
      faults.push(`${setting}: ${fileFault(path, error)}`);
      return { name: path, pem: '' };
    }
  };
  const [certificate, key, clientCa] = named;
  const files: TlsFiles = {
    certificate: read(certificate),
    key: read(key),
    clientCa: clientCa && read(clientCa),
  };
  const all = faults.length > 0 ? faults : faultsOfTls(files, nowMs);
  const paths = named.flatMap((given) => given?.[1] ?? []);
  return { certificate: all.length > 0 ? undefined : { files, paths }, faults: all };
}

/** The certificate that is shown to servers that ask for one; none where no file is named. */
export function readClientCertificate(
  [certSetting, certPath]: readonly [Setting, string],
  [keySetting, keyPath]: readonly [Setting, string],
  readFile: (path: string) => string,
  nowMs: number,
): ReadCertificate {
  const certificate: NamedPath = [sourceOf(certSetting), certPath];
  const key: NamedPath = [sourceOf(keySetting), keyPath];
  const half = faultsOfHalfPair(certificate, key);
  if (certPath === '' || half.length > 0) return { certificate: undefined, faults: half };
  return readCertificateFiles([certificate, key], readFile, nowMs);
}

/** Certificate authorities from a file; none where `path` is empty. */
export function readCa(
  setting: Setting,
  path: string,
  readFile: (path: string) => string,
): { readonly pem: string | undefined; readonly faults: readonly string[] } {
  if (path === '') return { pem: undefined, faults: [] };
  const source = sourceOf(setting);
  const shown = maskSdkKeysIn(path);
  try {
    const pem = readFile(path);
    if (certificatesIn(pem).length > 0) return { pem, faults: [] };
    return {
      pem: undefined,
      faults: [`${source}: ${shown} contains no readable certificate: name a PEM file`],
    };
  } catch (error) {
    return { pem: undefined, faults: [`${source}: ${fileFault(path, error)}`] };
  }
}
