// Converts headers between the forms of undici and node:http2.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Dispatcher } from 'undici';

/** Expects the headers of the request as an object with lower-case names. */
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

/** Alternating names and values. */
export function toRawHeaders(headers: IncomingHttpHeaders): string[] {
  const raw: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    if (typeof value === 'string') raw.push(name, value);
    else for (const one of value) raw.push(name, one);
  }
  return raw;
}

/** The body length that the response declares, if any. */
export function declaredBytes(headers: IncomingHttpHeaders): number | undefined {
  const length = headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
