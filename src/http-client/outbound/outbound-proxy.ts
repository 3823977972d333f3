// What an outbound proxy is sent: the login in its URL, the whole URL of an http:// origin, and nothing for exempt hosts.
import { isIPv6 } from 'node:net';
import type { Dispatcher } from 'undici';

/** The value of Proxy-Authorization; undefined where the URL of the proxy has no user. */
export function proxyLogin(proxy: string): string | undefined {
  const { username, password } = proxy === '' ? { username: '', password: '' } : new URL(proxy);
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

/**
 * The same request in the form that a proxy forwards (RFC 9112, 3.2.2). A tunnel would do as well, but proxies commonly
 * refuse those to any port but 443. Its headers name the origin's host already.
 */
export function toAbsoluteForm(
  request: Dispatcher.DispatchOptions,
  login: string | undefined,
): Dispatcher.DispatchOptions {
  const headers = request.headers as Readonly<Record<string, string>>;
  return {
    ...request,
    path: `${String(request.origin)}${request.path}`,
    headers: login === undefined ? headers : { ...headers, 'proxy-authorization': login },
  };
}

/** Hosts as undici takes them: it knows a `*` only alone, and an IPv6 address only in brackets. */
export function exemptHosts(noProxy: string): string {
  const hosts = noProxy.split(/[,\s]+/);
  return hosts.includes('*') ? '*' : hosts.map((host) => (isIPv6(host) ? `[${host}]` : host)).join(',');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A percent sign that is itself, then.
    return part;
  }
}
