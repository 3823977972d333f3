// The certificate that the TLS ports show: put to use, renewed while they are open, and reported before it expires.
import type { SecureContextOptions } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import type { Cancel, Clock } from '../../domain/clock.js';
import { Listeners } from '../../domain/listeners.js';
import { certificatesIn, expiryMs, faultsOfTls, type TlsFiles } from '../../domain/tls-files.js';
import type { Logger } from '../../observability/logger.js';

const DAY_MS = 86_400_000;
/** Issuers renew with a third of the time left: of 90 days, at 30. */
const WARN_DAYS = 14;

export class Certificates {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #renewed = new Listeners<(context: SecureContextOptions) => void>();
  #context: SecureContextOptions;
  #own: X509Certificate;
  #cancelLook: Cancel = () => undefined;

  /** `files` are without faults. */
  constructor(clock: Clock, log: Logger, files: TlsFiles) {
    this.#clock = clock;
    this.#log = log;
    [this.#own, this.#context] = toContext(files);
    this.#lookAtExpiry();
  }

  get context(): SecureContextOptions {
    return this.#context;
  }

  /** Calls back with each new certificate. */
  onRenewal(listener: (context: SecureContextOptions) => void): void {
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
    if (facts.expiresInDays < 0) this.#log.error(facts, 'server certificate has expired: clients refuse it');
    else if (facts.expiresInDays < WARN_DAYS) this.#log.warn(facts, 'server certificate expires soon');
    this.#cancelLook = this.#clock.schedule(DAY_MS, () => {
      this.#lookAtExpiry();
    });
  }
}

function toContext({ certificate, key, clientCa }: TlsFiles): [X509Certificate, SecureContextOptions] {
  const [own] = certificatesIn(certificate.pem);
  if (own === undefined) throw new Error(`${certificate.name} contains no certificate`);
  const context = { cert: certificate.pem, key: key.pem };
  return [own, clientCa === undefined ? context : { ...context, ca: clientCa.pem }];
}
