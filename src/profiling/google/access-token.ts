// An access token for Google, of a service account's key file or of the machine; kept until shortly before its end.
import { signAssertion } from '../../auth/assertion.js';
import type { Clock } from '../../domain/clock.js';
import { failed, type Failure } from '../../domain/failure.js';
import { fileFault, readSmallFile } from '../../files/small-file.js';
import type { UpstreamPool } from '../../http-client/upstream-pool.js';
import { callGoogle, membersOf, refusalOf } from './google-call.js';
import type { MetadataServer } from './metadata-server.js';

/** All that sending profiles takes. */
const SCOPE = 'https://www.googleapis.com/auth/monitoring.write';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const TOKEN_MS_MAX = 10_000;
/** It must last longer than the request that shows it. */
const SPARE_MS = 60_000;

export interface AccessToken {
  readonly text: string;
  /** By the monotonic clock. */
  readonly goodUntilMs: number;
}

/** Where tokens come from. */
export interface TokenSource {
  /** Never rejects. */
  fetch(signal: AbortSignal): Promise<AccessToken | Failure>;
  /** The project that it belongs to; never rejects. */
  projectId(signal: AbortSignal): Promise<string | Failure>;
}

export class MachineTokens implements TokenSource {
  readonly #clock: Clock;
  readonly #metadata: MetadataServer;

  constructor(clock: Clock, metadata: MetadataServer) {
    this.#clock = clock;
    this.#metadata = metadata;
  }

  async fetch(signal: AbortSignal): Promise<AccessToken | Failure> {
    const text = await this.#metadata.get('instance/service-accounts/default/token', signal);
    return typeof text === 'string' ? readToken(text, this.#clock) : text;
  }

  async projectId(signal: AbortSignal): Promise<string | Failure> {
    return await this.#metadata.get('project/project-id', signal);
  }
}

interface ServiceAccount {
  readonly email: string;
  readonly privateKeyPem: string;
  readonly keyId: string | undefined;
  readonly tokenUrl: URL;
  readonly projectId: string | undefined;
}

/** The file is read for each token: it may have been replaced. */
export class ServiceAccountTokens implements TokenSource {
  readonly #clock: Clock;
  readonly #pool: UpstreamPool;
  readonly #path: string;

  constructor(clock: Clock, pool: UpstreamPool, path: string) {
    this.#clock = clock;
    this.#pool = pool;
    this.#path = path;
  }

  async fetch(signal: AbortSignal): Promise<AccessToken | Failure> {
    const account = await this.#read();
    if ('kind' in account) return account;
    const assertion = await this.#sign(account);
    if (typeof assertion !== 'string') return assertion;
    const request = {
      method: 'POST',
      url: account.tokenUrl,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: GRANT, assertion }).toString(),
      timeoutMs: TOKEN_MS_MAX,
    } as const;
    const answer = await callGoogle(this.#clock, this.#pool, request, signal);
    if ('kind' in answer) return answer;
    return answer.status === 200 ? readToken(answer.text, this.#clock) : refusalOf(answer);
  }

  async projectId(): Promise<string | Failure> {
    const account = await this.#read();
    if ('kind' in account) return account;
    return account.projectId ?? failed('no_project', `${this.#path} names no project_id`);
  }

  async #read(): Promise<ServiceAccount | Failure> {
    try {
      return this.#parse(await readSmallFile(this.#path));
    } catch (error) {
      return unusable(fileFault(this.#path, error));
    }
  }

  #parse(text: string): ServiceAccount | Failure {
    const file = membersOf(text);
    const { type, client_email: email, private_key: pem, private_key_id: keyId, project_id: project } = file;
    if (type !== 'service_account') {
      const found = typeof type === 'string' ? `of the type ${type.slice(0, 40)}` : 'of no type';
      return unusable(`${this.#path} is ${found}, and only a key of a service account can be used`);
    }
    if (typeof email !== 'string' || typeof pem !== 'string') {
      return unusable(`${this.#path} lacks client_email or private_key`);
    }
    const tokenUri = file['token_uri'] ?? 'https://oauth2.googleapis.com/token';
    if (typeof tokenUri !== 'string' || !/^https?:/.test(tokenUri) || !URL.canParse(tokenUri)) {
      return unusable(`${this.#path} has a token_uri that is no URL`);
    }
    return {
      email,
      privateKeyPem: pem,
      keyId: typeof keyId === 'string' ? keyId : undefined,
      tokenUrl: new URL(tokenUri),
      projectId: typeof project === 'string' && project !== '' ? project : undefined,
    };
  }

  async #sign({ email, privateKeyPem, keyId, tokenUrl }: ServiceAccount): Promise<string | Failure> {
    const assertion = { issuer: email, audience: tokenUrl.href, scope: SCOPE };
    try {
      return await signAssertion(assertion, privateKeyPem, keyId, this.#clock.nowMs());
    } catch {
      // Without the library's words, which may repeat the key.
      return unusable(`the private_key in ${this.#path} is no RSA key in PKCS #8`);
    }
  }
}

/** Hands out one token for as long as it is good. */
export class KeptToken {
  readonly #clock: Clock;
  readonly #source: TokenSource;
  #kept: AccessToken | undefined;

  constructor(clock: Clock, source: TokenSource) {
    this.#clock = clock;
    this.#source = source;
  }

  /** Never rejects. */
  async get(signal: AbortSignal): Promise<string | Failure> {
    if (this.#kept !== undefined && this.#clock.monotonicMs() < this.#kept.goodUntilMs)
      return this.#kept.text;
    const token = await this.#source.fetch(signal);
    if ('kind' in token) return token;
    this.#kept = token;
    return token.text;
  }

  /** To be told where it was refused: it may have been revoked. */
  forget(): void {
    this.#kept = undefined;
  }
}

function readToken(text: string, clock: Clock): AccessToken | Failure {
  const { access_token: token, expires_in: seconds } = membersOf(text);
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || typeof seconds !== 'number') {
    return failed('answer_unusable', 'the answer holds no access token');
  }
  return { text: token, goodUntilMs: clock.monotonicMs() + seconds * 1000 - SPARE_MS };
}

function unusable(detail: string): Failure {
  return failed('credentials_unusable', detail);
}
