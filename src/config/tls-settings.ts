// Settings of TLS for the public ports: files, who must speak it, who must show a certificate, and where.
import { ANY_TEXT, PORT, flag, integer, text } from './setting-rows.js';

export const tlsSettings = {
  x509ServerCertPath: text({
    ...ANY_TEXT,
    flag: 'x509-server-cert-path',
    env: 'SFP_X509_SERVER_CERT_PATH',
    default: '',
    unit: 'path',
    help: 'PEM file of the certificate of this server and those that lead to its authority; with the key, opens the TLS ports; followed',
  }),
  x509ServerKeyPath: text({
    ...ANY_TEXT,
    flag: 'x509-server-key-path',
    env: 'SFP_X509_SERVER_KEY_PATH',
    default: '',
    unit: 'path',
    help: 'PEM file of its private key, without a passphrase; followed',
  }),
  x509ClientCertPath: text({
    ...ANY_TEXT,
    flag: 'x509-client-cert-path',
    env: 'SFP_X509_CLIENT_CERT_PATH',
    default: '',
    unit: 'path',
    help: 'PEM file of the authorities that sign certificates of clients: a client may show one, and one of another authority is refused; followed',
  }),
  enforceTls: flag({
    flag: 'enforce-tls',
    env: 'SFP_ENFORCE_TLS',
    help: 'with a certificate: whether the ports without TLS stay closed; they do unless this is false',
  }),
  enforceMtls: flag({
    flag: 'enforce-mtls',
    env: 'SFP_ENFORCE_MTLS',
    help: 'refuse clients that show no certificate, over HTTP and gRPC; closes the ports without TLS',
  }),
  sslVerifyClient: text({
    flag: 'ssl-verify-client',
    env: 'SFP_SSL_VERIFY_CLIENT',
    default: '',
    unit: 'mode',
    pattern: /^(?:|on|optional|off)$/,
    patternText: 'on, optional or off',
    help: "SFP's other name for the same: on is --enforce-mtls, optional is what a file of authorities alone means, off does without it",
  }),
  httpsPort: integer({
    ...PORT,
    flag: 'https-port',
    env: 'SFP_HTTPS_PORT',
    default: 8443,
    help: 'port of the HTTP server with TLS, for HTTP/1.1 and HTTP/2; 0 takes a free one and logs it',
  }),
  grpcTlsPort: integer({
    ...PORT,
    flag: 'grpc-tls-port',
    env: 'SFP_GRPC_TLS_PORT',
    default: 50_052,
    help: 'port of the gRPC server with TLS; 0 takes a free one and logs it',
  }),
} as const;
