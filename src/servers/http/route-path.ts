// The URL of a request as its route is written: people end the URLs in SDK options with a slash, and SDKs add another.

/** A target may name a host as well (RFC 9112, 3.2.2). */
const HOST = /^https?:\/\/[^/?]*/i;

/** The same URL without doubled slashes, and without one at the end of its path. The query stays as it is. */
export function toRoute(url: string): string {
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  if (path.startsWith('/') && !path.includes('//') && !path.endsWith('/')) return url;
  const single = path.replace(HOST, '/').replace(/\/{2,}/g, '/');
  return (single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single) + url.slice(path.length);
}
