// What the settings of TLS come to: files that are read and fit, who must show a certificate, and which ports stay closed.
import { faultsOfTls, type PemFile, type TlsFiles } from '../domain/tls-files.js';
import { fileFault } from '../files/small-file.js';
import { demandsIn, ENFORCE_MTLS, tlsRules, VERIFY, type TlsRules, type TlsValues } from './tls-rules.js';

export interface TlsConfig extends TlsRules {
  readonly files: TlsFiles;
  /** Of the certificate, the key and, where there is one, the file of authorities. */
  readonly paths: readonly string[];
}

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
  const clientCaPath = rules.clientCertificates === 'none' ? [] : [values.x509ClientCertPath];
  const paths = [values.x509ServerCertPath, values.x509ServerKeyPath, ...clientCaPath];
  const texts: string[] = [];
  const faults: string[] = [];
  for (const [index, path] of paths.entries()) {
    try {
      texts.push(readFile(path));
    } catch (error) {
      faults.push(`${[CERT, KEY, CLIENT_CA][index] ?? ''}: ${fileFault(path, error)}`);
    }
  }
  if (faults.length > 0) return { tls: undefined, faults };
  const files = toTlsFiles(paths, texts);
  const unusable = faultsOfTls(files, nowMs);
  return { tls: unusable.length > 0 ? undefined : { ...rules, files, paths }, faults: unusable };
}

/** `paths` as in TlsConfig, and what each holds. */
export function toTlsFiles(paths: readonly string[], texts: readonly string[]): TlsFiles {
  const [certificate, key, clientCa] = [CERT, KEY, CLIENT_CA].map((setting, index): PemFile | undefined => {
    const [path, pem] = [paths[index], texts[index]];
    return path === undefined || pem === undefined ? undefined : { name: `${setting} ${path}`, pem };
  });
  if (certificate === undefined || key === undefined) throw new Error('a certificate and its key are needed');
  return { certificate, key, clientCa };
}

function contradictionsIn(values: TlsValues): readonly string[] {
  const hasCert = values.x509ServerCertPath !== '';
  const hasKey = values.x509ServerKeyPath !== '';
  if (hasCert !== hasKey) {
    const [given, missing] = hasCert ? [CERT, KEY] : [KEY, CERT];
    return [`${given} is of no use alone: ${missing} is missing`];
  }
  return hasCert ? contradictionsOfClients(values) : needlessWithoutTls(values);
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
