// Headers between undici's form and the one of node:http2.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Dispatcher } from 'undici';

/** Of a request whose headers were given by name, in small letters. */
export function toRequestHeaders(options: Dispatcher.DispatchOptions, origin: URL): OutgoingHttpHeaders {
  const { host, ...rest } = options.headers as Readonly<Record<string, string>>;
  const { body } = options;
  return {
    ...rest,
    ...(body instanceof Uint8Array ? { 'content-length': String(body.length) } : {}),
    ':method': options.method,
    ':scheme': 'https',
    ':authority': host ?? origin.host,
    ':path': options.path,
  };
}

/** Names and values by turns. */
export function toRawHeaders(headers: IncomingHttpHeaders): string[] {
  const raw: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':')) continue;
    for (const one of [value ?? []].flat()) raw.push(name, one);
  }
  return raw;
}

/** The length of the body that the answer promises; undefined where it promises none. */
export function declaredBytes(headers: IncomingHttpHeaders): number | undefined {
  const length = headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
