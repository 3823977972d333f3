// Settings of who may ask, SDKs aside: tokens, and what the admin port does without one.
import { ANY_TEXT, text, toggle } from './setting-rows.js';

export const accessSettings = {
  tokensFile: text({
    ...ANY_TEXT,
    flag: 'tokens-file',
    env: 'SFP_TOKENS_FILE',
    default: '',
    unit: 'file',
    help: 'file of access tokens, one per line, as NAME SHA256 SCOPE,… [END]; the admin port asks for one then; followed',
  }),
  jwtKeysFile: text({
    ...ANY_TEXT,
    flag: 'jwt-keys-file',
    env: 'SFP_JWT_KEYS_FILE',
    default: '',
    unit: 'file',
    help: 'JSON Web Key Set of an issuer whose JWTs are access tokens too; followed',
  }),
  jwtKeysUrl: text({
    flag: 'jwt-keys-url',
    env: 'SFP_JWT_KEYS_URL',
    default: '',
    unit: 'url',
    pattern: /^$|^https?:\/\/[^\s@]+$/,
    patternText: 'an https:// URL without credentials, or an http:// one of this machine',
    isUrl: true,
    help: 'the same from a URL, asked for every 10 minutes, and where a token names a new key',
  }),
  jwtIssuer: text({
    ...ANY_TEXT,
    flag: 'jwt-issuer',
    env: 'SFP_JWT_ISSUER',
    default: '',
    unit: 'name',
    help: 'what a JWT must have as iss; needed with keys',
  }),
  jwtAudience: text({
    ...ANY_TEXT,
    flag: 'jwt-audience',
    env: 'SFP_JWT_AUDIENCE',
    default: '',
    unit: 'name',
    help: 'what a JWT must have as aud, or in it; needed with keys',
  }),
  adminWithoutToken: toggle({
    flag: 'admin-without-token',
    env: 'SFP_ADMIN_WITHOUT_TOKEN',
    help: 'beyond loopback too, the admin port shows everything to everybody; else only probes and /metrics, unless there are tokens',
  }),
} as const;
