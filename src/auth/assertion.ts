// Signs the JWT by which a service account asks its issuer for an access token (RFC 7523); jose does the cryptography.

export interface Assertion {
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
}

/** Issuers take no longer one than this. */
const VALID_S = 3_600;

/** Rejects where the key is no RSA key in PKCS #8. */
export async function signAssertion(
  { issuer, audience, scope }: Assertion,
  privateKeyPem: string,
  keyId: string | undefined,
  nowMs: number,
): Promise<string> {
  // As in `jwt-verifier.ts`.
  const { importPKCS8, SignJWT } = await import('jose');
  const key = await importPKCS8(privateKeyPem, 'RS256');
  const nowS = Math.floor(nowMs / 1000);
  return await new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + VALID_S)
    .sign(key);
}
