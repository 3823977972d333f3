// What the settings of TLS demand of clients and ports, before any file is read: `health` needs no more.
import type { SettingValues } from './settings.js';

export const ENFORCE_MTLS = '--enforce-mtls (SFP_ENFORCE_MTLS)';
export const VERIFY = '--ssl-verify-client (SFP_SSL_VERIFY_CLIENT)';

export type TlsValues = Pick<
  SettingValues,
  | 'x509ServerCertPath'
  | 'x509ServerKeyPath'
  | 'x509ClientCertPath'
  | 'enforceTls'
  | 'enforceMtls'
  | 'sslVerifyClient'
>;

export interface TlsRules {
  /** Whether clients show a certificate: never asked, asked, or turned away without one. */
  readonly clientCertificates: 'none' | 'optional' | 'required';
  /** Whether ports without TLS are open too. */
  readonly plainToo: boolean;
}

/** Undefined without TLS. */
export function tlsRules(values: TlsValues): TlsRules | undefined {
  if (values.x509ServerCertPath === '') return undefined;
  const isRequired = demandsIn(values).length > 0;
  const isAsked = values.x509ClientCertPath !== '' && values.sslVerifyClient !== 'off';
  return {
    clientCertificates: isRequired ? 'required' : isAsked ? 'optional' : 'none',
    plainToo: values.enforceTls === false,
  };
}

/** What turns clients away that show no certificate. */
export function demandsIn({ enforceMtls, sslVerifyClient }: TlsValues): readonly string[] {
  return [
    ...(enforceMtls === true ? [ENFORCE_MTLS] : []),
    ...(sslVerifyClient === 'on' ? [`${VERIFY} 'on'`] : []),
  ];
}
