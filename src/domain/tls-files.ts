// Certificates, keys and authorities as PEM text: what makes them unusable, and how long they last.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

export interface PemFile {
  /** The setting and the path, for people. */
  readonly name: string;
  readonly pem: string;
}

/** What one side of a connection shows, and which clients a server trusts. */
export interface TlsFiles {
  /** Its own certificate first, then those that lead to its authority. */
  readonly certificate: PemFile;
  readonly key: PemFile;
  /** Authorities that sign certificates of clients; undefined for a client, and where clients are not asked for any. */
  readonly clientCa: PemFile | undefined;
}

/** Empty where they can be used; otherwise sentences, each of which names a file. */
export function faultsOfTls({ certificate, key, clientCa }: TlsFiles, nowMs: number): readonly string[] {
  const caFaults =
    clientCa === undefined || certificatesIn(clientCa.pem).length > 0 ? [] : [noCertificate(clientCa)];
  const [own] = certificatesIn(certificate.pem);
  if (own === undefined) return [noCertificate(certificate), ...caFaults];
  const faults = [...faultsOfTime(certificate.name, own, nowMs), ...faultsOfKey(certificate, own, key)];
  return [...faults, ...caFaults];
}

/** The same files with what each of them holds now. */
export function withTexts(
  { certificate, key, clientCa }: TlsFiles,
  [certPem = '', keyPem = '', caPem = '']: readonly string[],
): TlsFiles {
  return {
    certificate: { ...certificate, pem: certPem },
    key: { ...key, pem: keyPem },
    clientCa: clientCa && { ...clientCa, pem: caPem },
  };
}

export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    // One that cannot be read makes the file unusable: the caller says so.
    return [];
  }
}

export function expiryMs(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

function faultsOfTime(name: string, { validFrom, validTo }: X509Certificate, nowMs: number): string[] {
  if (nowMs > Date.parse(validTo)) return [`${name}: the certificate expired at ${validTo}`];
  if (nowMs < Date.parse(validFrom)) return [`${name}: the certificate is not valid before ${validFrom}`];
  return [];
}

function faultsOfKey(certificate: PemFile, own: X509Certificate, key: PemFile): string[] {
  try {
    const isEncrypted = /ENCRYPTED/.test(key.pem);
    if (isEncrypted) return [`${key.name}: the key is encrypted; store it without a passphrase`];
    if (!own.checkPrivateKey(createPrivateKey(key.pem))) {
      return [`${key.name}: the key does not belong to the certificate of ${certificate.name}`];
    }
  } catch {
    return [`${key.name} contains no readable PEM private key`];
  }
  try {
    createSecureContext({ cert: certificate.pem, key: key.pem });
    return [];
  } catch (error) {
    return [`${certificate.name}: OpenSSL refuses it (${(error as Error).message})`];
  }
}

function noCertificate({ name }: PemFile): string {
  return `${name} contains no readable PEM certificate`;
}
