// TLS in front of other protocols: handshakes within a time, one rule for certificates of clients, the protocol by ALPN.
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { ThrottledLine } from '../../observability/throttled-line.js';
import type { Certificates } from '../../files/certificates.js';
import type { ConnectionPlace } from './connection-limit.js';
import type { Accept } from './listening-port.js';

/** As ALPN names them. */
export type Protocol = 'h2' | 'http/1.1';

export interface TlsFrontOptions {
  /** Whether clients are asked for a certificate, and turned away without one. One that is shown must be signed rightly. */
  readonly clientCertificates: 'none' | 'optional' | 'required';
}

/** From a connection's first moment to the end of its handshake. Node's own limit begins anew with each byte that comes. */
const HANDSHAKE_MS_MAX = 10_000;
const TOO_SLOW = Object.assign(new Error('TLS handshake timeout'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
const LINE_EVERY_MS = 60_000;
/** Mozilla's intermediate configuration, version 5.7, but for DHE, which needs parameters in a file. */
const INTERMEDIATE: TlsOptions = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  ecdhCurve: 'X25519:P-256:P-384',
  honorCipherOrder: false,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
};

/** A connection until its handshake has ended. */
interface Arrival {
  readonly place: ConnectionPlace;
  readonly cancelTimeout: Cancel;
}

export class TlsFront {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #line: ThrottledLine;
  readonly #certificates: Certificates;
  readonly #options: TlsFrontOptions;
  #handshakesFailed = 0;

  constructor(clock: Clock, log: Logger, certificates: Certificates, options: TlsFrontOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#line = new ThrottledLine(clock, LINE_EVERY_MS);
    this.#certificates = certificates;
    this.#options = options;
  }

  describe(): object {
    return { ...this.#certificates.describe(), handshakesFailed: this.#handshakesFailed };
  }

  /** Speaks TLS on a connection, and then the protocol that its client prefers; HTTP/1.1 where it names none. */
  over(protocols: Readonly<Partial<Record<Protocol, Accept>>>): Accept {
    const { clientCertificates } = this.#options;
    const arriving = new Map<string, Arrival>();
    const server = createServer({
      ...INTERMEDIATE,
      ...this.#certificates.context,
      ALPNProtocols: Object.keys(protocols),
      requestCert: clientCertificates !== 'none',
      rejectUnauthorized: clientCertificates === 'required',
    });
    this.#certificates.onRenewal((context) => {
      server.setSecureContext({ ...INTERMEDIATE, ...context });
    });
    server.on('tlsClientError', (error, socket) => {
      this.#tellFailure(error);
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      const arrival = arriving.get(endsOf(socket));
      arrival?.cancelTimeout();
      // False where the client named no protocol.
      const accept = protocols[(socket.alpnProtocol || 'http/1.1') as Protocol];
      if (arrival === undefined || accept === undefined || !this.#isWelcome(socket)) socket.destroy();
      else accept(socket, arrival.place);
    });
    return (socket, place) => {
      // Node does not say which connection the socket of a finished handshake stands on, but both have the same ends.
      const ends = endsOf(socket);
      const cancelTimeout = this.#clock.schedule(HANDSHAKE_MS_MAX, () => {
        this.#tellFailure(TOO_SLOW);
        socket.destroy();
      });
      arriving.set(ends, { place, cancelTimeout });
      socket.once('close', () => {
        cancelTimeout();
        arriving.delete(ends);
      });
      server.emit('connection', socket);
    };
  }

  #isWelcome(socket: TLSSocket): boolean {
    if (this.#options.clientCertificates === 'none') return true;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return this.#options.clientCertificates === 'optional';
    if (!socket.authorized) {
      this.#tellFailure(socket.authorizationError);
      return false;
    }
    const { subject, fingerprint256 } = certificate;
    this.#log.debug({ subject, fingerprint256 }, 'a client showed its certificate');
    return true;
  }

  #tellFailure(error: Error & { readonly code?: string }): void {
    this.#handshakesFailed += 1;
    this.#line.tell((untold) => {
      const reason = error.code ?? error.message;
      this.#log.warn({ reason, untold, failed: this.#handshakesFailed }, 'TLS handshakes failed');
    });
  }
}

function endsOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
