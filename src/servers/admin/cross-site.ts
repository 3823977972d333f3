// Tells requests that a page of another site sends from an operator's browser.
import type { FastifyRequest } from 'fastify';

/** An address, or this machine's own name: a page of strangers may have led every other name here. */
const PLAIN_HOST = /^(?:localhost|\[[0-9a-f:.]+\]|[\d.]+)(?::\d+)?$/i;

/** Of what browsers send, and nobody else has to; never of a page that this port served. */
export function isOfOtherSite({ headers }: FastifyRequest): boolean {
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host);
}

/**
 * The same for what changes something. Without tokens nothing else tells a page in an operator's browser from the operator,
 * and a page may have been led here by a name of its own, which looks like the same site.
 */
export function mayBeOfOtherSite(request: FastifyRequest): boolean {
  const { headers, operator } = request;
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return false;
  return isOfOtherSite(request) || (operator === '' && !PLAIN_HOST.test(headers.host ?? ''));
}
