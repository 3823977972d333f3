// A certificate that this program shows, as a server or as a client: put to use, renewed, and reported before it expires.
import type { X509Certificate } from 'node:crypto';
import type { Cancel, Clock } from '../domain/clock.js';
import { Listeners } from '../domain/listeners.js';
import { certificatesIn, expiryMs, faultsOfTls, type TlsFiles } from '../domain/tls-files.js';
import type { Logger } from '../observability/logger.js';

const DAY_MS = 86_400_000;
/** Issuers renew with a third of the time left: of 90 days, at 30. */
export const WARN_DAYS = 14;

/** As options of a secure context. */
export interface ShownCertificate {
  readonly cert: string;
  readonly key: string;
  /** Authorities of clients. */
  readonly ca?: string;
}

export class Certificates {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** What log lines call it. */
  readonly name: string;
  readonly #renewed = new Listeners<(context: ShownCertificate) => void>();
  #context: ShownCertificate;
  #own: X509Certificate;
  #cancelLook: Cancel = () => undefined;

  /** `files` are without faults. */
  constructor(clock: Clock, log: Logger, name: string, files: TlsFiles) {
    this.#clock = clock;
    this.#log = log;
    this.name = name;
    [this.#own, this.#context] = toContext(files);
    this.#lookAtExpiry();
  }

  get context(): ShownCertificate {
    return this.#context;
  }

  /** Calls back with each new certificate. */
  onRenewal(listener: (context: ShownCertificate) => void): void {
    this.#renewed.add(listener);
  }

  /** Connections that are open go on with what they have; `faults` are empty where new ones get these files. */
  takeOver(files: TlsFiles): { readonly faults: readonly string[]; readonly facts?: object } {
    const faults = faultsOfTls(files, this.#clock.nowMs());
    if (faults.length > 0) return { faults };
    [this.#own, this.#context] = toContext(files);
    this.#renewed.tell((listener) => {
      listener(this.#context);
    });
    this.#cancelLook();
    this.#lookAtExpiry();
    return { faults, facts: this.describe() };
  }

  get expiresAtMs(): number {
    return expiryMs(this.#own);
  }

  describe(): { readonly subject: string; readonly fingerprint256: string; readonly expiresInDays: number } {
    const { subject, fingerprint256 } = this.#own;
    const expiresInDays = Math.floor((this.expiresAtMs - this.#clock.nowMs()) / DAY_MS);
    return { subject: subject.replaceAll('\n', ', '), fingerprint256, expiresInDays };
  }

  stop(): void {
    this.#cancelLook();
  }

  #lookAtExpiry(): void {
    const facts = this.describe();
    if (facts.expiresInDays < 0)
      this.#log.error(facts, `${this.name} has expired: the other side refuses it`);
    else if (facts.expiresInDays < WARN_DAYS) this.#log.warn(facts, `${this.name} expires soon`);
    this.#cancelLook = this.#clock.schedule(DAY_MS, () => {
      this.#lookAtExpiry();
    });
  }
}

function toContext({ certificate, key, clientCa }: TlsFiles): [X509Certificate, ShownCertificate] {
  const [own] = certificatesIn(certificate.pem);
  if (own === undefined) throw new Error(`${certificate.name} contains no certificate`);
  const context = { cert: certificate.pem, key: key.pem };
  return [own, clientCa === undefined ? context : { ...context, ca: clientCa.pem }];
}
