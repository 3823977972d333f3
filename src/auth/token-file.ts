// The tokens file: one token a line, as name, SHA-256, scopes and perhaps an end. Faults name the line, never what is in it.
import { readScopes, SCOPE_RULE, type Scope } from './scopes.js';

export interface FileToken {
  /** Whose it is, for people. */
  readonly name: string;
  readonly sha256: Buffer;
  readonly scopes: ReadonlySet<Scope>;
  /** By the wall clock; undefined for none. */
  readonly endsAtMs: number | undefined;
  /** Everything the line says: two tokens with the same text are the same. */
  readonly text: string;
}

export interface ReadTokens {
  /** Complete where there are no faults. */
  readonly tokens: readonly FileToken[];
  /** Ends of sentences that begin with the file. */
  readonly faults: readonly string[];
}

/** Each is compared with the one that is presented, which takes about 0.1 µs. */
export const TOKENS_MAX = 1_000;
/** Of more faults only the first are told. */
const FAULTS_MAX = 10;

const NAME = /^[A-Za-z0-9\-_.@]{1,64}$/;
const SHA256 = /^[0-9a-fA-F]{64}$/;
const END = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/;

export function readTokens(text: string): ReadTokens {
  const tokens: FileToken[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const read = readLine(entry, tokens);
    if (typeof read === 'object') tokens.push(read);
    else if (faults.push(`line ${index + 1} ${read}`) === FAULTS_MAX) break;
  }
  if (tokens.length > TOKENS_MAX) faults.push(`has ${tokens.length} tokens: ${TOKENS_MAX} is the limit`);
  return { tokens, faults };
}

/** Or what is wrong with it. */
function readLine(entry: string, before: readonly FileToken[]): FileToken | string {
  const fields = entry.split(/\s+/);
  if (fields.length < 3 || fields.length > 4) return 'is not of the form: NAME SHA256 SCOPE,… [END]';
  const [name, hex, scopeList, end] = fields as [string, string, string, string?];
  if (!NAME.test(name)) return 'has no valid name: names have 1 to 64 characters of A-Z a-z 0-9 - _ . @';
  if (!SHA256.test(hex)) return 'has no SHA-256 in 64 hex digits: printf %s TOKEN | sha256sum';
  const names = scopeList.split(',');
  const scopes = readScopes(names);
  // A scope of somebody else means nothing in this file: it is a mistyped one.
  if (scopes === undefined || scopes.size < new Set(names).size)
    return `has an unknown scope: use ${SCOPE_RULE}`;
  const endsAtMs = end === undefined ? undefined : toEndMs(end);
  if (Number.isNaN(endsAtMs)) return 'has no valid end: write one like 2027-06-30T00:00:00Z';
  const sha256 = Buffer.from(hex, 'hex');
  const twin = before.find((token) => token.name === name || token.sha256.equals(sha256));
  if (twin !== undefined) return `has the ${twin.name === name ? 'name' : 'token'} of a line before it`;
  return { name, sha256, scopes, endsAtMs, text: [name, hex.toLowerCase(), scopeList, end].join(' ') };
}

function toEndMs(text: string): number {
  return END.test(text) ? Date.parse(text) : NaN;
}
