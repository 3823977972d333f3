// What the settings of TLS come to: files that are read and fit, who must show a certificate, and which ports stay closed.
import {
  faultsOfHalfPair,
  readCertificateFiles,
  type CertificateFiles,
  type NamedPath,
} from './certificate-files.js';
import { demandsIn, ENFORCE_MTLS, tlsRules, VERIFY, type TlsRules, type TlsValues } from './tls-rules.js';

export interface TlsConfig extends TlsRules, CertificateFiles {}

export interface ReadTls {
  /** Undefined without TLS, and where there are faults. */
  readonly tls: TlsConfig | undefined;
  readonly faults: readonly string[];
}

const CERT = '--x509-server-cert-path (SFP_X509_SERVER_CERT_PATH)';
const KEY = '--x509-server-key-path (SFP_X509_SERVER_KEY_PATH)';
const CLIENT_CA = '--x509-client-cert-path (SFP_X509_CLIENT_CERT_PATH)';
const ENFORCE_TLS = '--enforce-tls (SFP_ENFORCE_TLS)';

/** Whatever cannot be done as it is said is a fault: nothing is served without TLS that was meant to be served with it. */
export function readTls(values: TlsValues, readFile: (path: string) => string, nowMs: number): ReadTls {
  const contradictions = contradictionsIn(values);
  const rules = tlsRules(values);
  if (rules === undefined || contradictions.length > 0) return { tls: undefined, faults: contradictions };
  const clientCa: NamedPath = [CLIENT_CA, values.x509ClientCertPath];
  const [own, key] = pairOf(values);
  const named = rules.clientCertificates === 'none' ? ([own, key] as const) : ([own, key, clientCa] as const);
  const { certificate, faults } = readCertificateFiles(named, readFile, nowMs);
  return { tls: certificate && { ...rules, ...certificate }, faults };
}

function pairOf({
  x509ServerCertPath,
  x509ServerKeyPath,
}: TlsValues): readonly [certificate: NamedPath, key: NamedPath] {
  return [
    [CERT, x509ServerCertPath],
    [KEY, x509ServerKeyPath],
  ];
}

function contradictionsIn(values: TlsValues): readonly string[] {
  const half = faultsOfHalfPair(...pairOf(values));
  if (half.length > 0) return half;
  return values.x509ServerCertPath === '' ? needlessWithoutTls(values) : contradictionsOfClients(values);
}

function needlessWithoutTls(values: TlsValues): readonly string[] {
  const given = [
    ...(values.enforceTls === true ? [ENFORCE_TLS] : []),
    ...demandsIn(values),
    ...(values.sslVerifyClient === 'optional' ? [`${VERIFY} 'optional'`] : []),
    ...(values.x509ClientCertPath === '' ? [] : [CLIENT_CA]),
  ];
  return given.map(
    (setting) => `${setting} needs a certificate of this server: ${CERT} and ${KEY} are missing`,
  );
}

function contradictionsOfClients(values: TlsValues): readonly string[] {
  const { enforceTls, enforceMtls, sslVerifyClient: verify } = values;
  const demands = demandsIn(values);
  const asks = verify === 'optional' ? [...demands, `${VERIFY} 'optional'`] : demands;
  const withoutCa = values.x509ClientCertPath === '' ? asks : [];
  const withoutTls = enforceTls === false ? demands : [];
  const isSaidTwice = enforceMtls !== undefined && verify !== '' && enforceMtls !== (verify === 'on');
  return [
    ...withoutCa.map((setting) => `${setting} needs the authorities of clients: ${CLIENT_CA} is missing`),
    ...withoutTls.map(
      (setting) => `${setting} contradicts ${ENFORCE_TLS} 'false', which lets clients in without TLS`,
    ),
    ...(isSaidTwice ? [`${ENFORCE_MTLS} '${enforceMtls}' contradicts ${VERIFY} '${verify}'`] : []),
  ];
}
