// An issuer of access tokens for tests: key pairs, the sets that publish them, JWTs, and lines of a tokens file.
import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export const ISSUER = 'https://issuer.example/';
export const AUDIENCE = 'spec-forward-proxy';

export interface Signer {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export async function createSigner(alg: string, kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } };
}

export function keySetText(...signers: readonly Signer[]): string {
  return JSON.stringify({ keys: signers.map(({ publicJwk }) => publicJwk) });
}

/** A JWT that is right in all that `claims` do not say otherwise; a claim that is undefined is left out. */
export async function sign(
  { alg, kid, privateKey }: Signer,
  nowMs: number,
  claims: JWTPayload,
): Promise<string> {
  const nowS = Math.floor(nowMs / 1000);
  const right = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: nowS, exp: nowS + 3_600 };
  return await new SignJWT({ ...right, ...claims }).setProtectedHeader({ alg, kid }).sign(privateKey);
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `name` is also the token: for tests only. */
export function tokenLine(name: string, scopes: string, end = ''): string {
  return `${name} ${sha256Hex(name)} ${scopes} ${end}`.trim();
}
