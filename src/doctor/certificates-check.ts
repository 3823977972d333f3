// Certificates: those that this process shows and the authorities it trusts: chain, names, and days that are left.
import type { X509Certificate } from 'node:crypto';
import type { CertificateFiles } from '../config/certificate-files.js';
import { certificatesIn, expiryMs } from '../domain/tls-files.js';
import { WARN_DAYS } from '../files/certificates.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';

const DAY_MS = 86_400_000;

export function checkCertificates({ config, clock }: Pick<Patient, 'config' | 'clock'>): readonly Finding[] {
  const nowMs = clock.nowMs();
  const { tls, originCertificate, redisCertificate, originCaPem, redisCaPem } = config;
  const findings = [
    ...ofShown('certificate of the TLS ports', tls, nowMs, true),
    ...ofAuthorities('authorities of clients', tls?.files.clientCa?.pem, nowMs),
    ...ofShown('certificate shown to origins', originCertificate, nowMs, false),
    ...ofShown('certificate shown to Redis', redisCertificate, nowMs, false),
    ...ofAuthorities('authorities of origins', originCaPem, nowMs),
    ...ofAuthorities('authorities of Redis', redisCaPem, nowMs),
  ];
  return findings.length > 0 ? findings : [pass('settings name no certificate')];
}

function ofShown(
  what: string,
  given: CertificateFiles | undefined,
  nowMs: number,
  isServer: boolean,
): readonly Finding[] {
  if (given === undefined) return [];
  const chain = certificatesIn(given.files.certificate.pem);
  const [own] = chain;
  // That it holds one was found when the settings were loaded.
  if (own === undefined) return [];
  return [
    ofDays(what, own, nowMs),
    ofChain(what, chain),
    ...chain.slice(1).flatMap((issuer) => expiring(`${what}: ${nameOf(issuer)} above it`, issuer, nowMs)),
    ...(isServer ? [ofNames(what, own)] : []),
  ];
}

function ofDays(what: string, certificate: X509Certificate, nowMs: number): Finding {
  const [late] = expiring(`${what} (${nameOf(certificate)})`, certificate, nowMs);
  return late ?? pass(`${what} (${nameOf(certificate)}): valid for ${daysLeft(certificate, nowMs)} days`);
}

function expiring(what: string, certificate: X509Certificate, nowMs: number): Finding[] {
  const days = daysLeft(certificate, nowMs);
  const remedy = 'Renew it: new contents of the file are taken over without a restart.';
  if (days < 0) return [fail(`${what} expired at ${certificate.validTo}`, remedy)];
  return days < WARN_DAYS ? [warn(`${what} expires in ${days} days`, remedy)] : [];
}

function ofChain(what: string, chain: readonly X509Certificate[]): Finding {
  const broken = chain.findIndex((certificate, index) => {
    const next = chain[index + 1];
    return next !== undefined && !certificate.checkIssued(next);
  });
  const [certificate, next] = [chain[broken], chain[broken + 1]];
  if (certificate !== undefined && next !== undefined) {
    return fail(
      `${what}: ${nameOf(certificate)} is followed by ${nameOf(next)}, which did not issue it`,
      'Put its own certificate first into the file, and behind each the one that issued it.',
    );
  }
  const last = chain.at(-1);
  const root = last === undefined ? '' : last.issuer.replaceAll('\n', ', ');
  return pass(`${what}: chain of ${chain.length}; the other side must trust ${root}`);
}

function ofNames(what: string, own: X509Certificate): Finding {
  if (own.subjectAltName !== undefined) return pass(`${what}: for ${own.subjectAltName}`);
  return fail(
    `${what} has no subjectAltName`,
    'Issue it for the names by which SDKs reach this proxy: common names count for nobody any more.',
  );
}

function ofAuthorities(what: string, pem: string | undefined, nowMs: number): readonly Finding[] {
  if (pem === undefined) return [];
  const all = certificatesIn(pem);
  // Bundles of a distribution hold some that have expired: others in them do the work.
  const valid = all.filter((certificate) => daysLeft(certificate, nowMs) >= 0);
  const [soonest] = [...valid].sort((one, other) => expiryMs(one) - expiryMs(other));
  if (soonest === undefined)
    return [fail(`${what}: all ${all.length} have expired`, 'Put those into the file that are valid now.')];
  const named = `${what}: ${nameOf(soonest)}`;
  const late = valid.length === 1 ? expiring(named, soonest, nowMs) : [];
  return late.length > 0 ? late : [pass(`${what}: ${valid.length} of ${all.length} are valid`)];
}

function daysLeft(certificate: X509Certificate, nowMs: number): number {
  return Math.floor((expiryMs(certificate) - nowMs) / DAY_MS);
}

function nameOf({ subject }: X509Certificate): string {
  return subject === '' ? 'without a subject' : subject.replaceAll('\n', ', ');
}
