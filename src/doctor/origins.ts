// The servers that settings name beyond this cluster: what each is for, and whether an outbound proxy stands in between.
import type { Config } from '../config/load-config.js';

export interface NamedOrigin {
  readonly url: URL;
  /** For people. */
  readonly uses: readonly string[];
  /** That of its scheme; empty for none. Hosts that NO_PROXY names are reached without it. */
  readonly outboundProxy: string;
}

/** Each scheme, host and port once. */
export function originsOf(config: Config): readonly NamedOrigin[] {
  const named: readonly (readonly [use: string, url: URL | undefined])[] = [
    ['specs', config.statsigEndpoint],
    ['ID lists', config.idListsStatsigEndpoint],
    ['log events', config.logEventStatsigEndpoint],
    ['JWT keys', config.access.keysUrl],
    ['Replane', config.replaneEndpoint === '' ? undefined : new URL(config.replaneEndpoint)],
    [
      'files of ID lists',
      URL.canParse(config.statsigEndpointDownloadIdListFile)
        ? new URL(config.statsigEndpointDownloadIdListFile)
        : undefined,
    ],
  ];
  const byOrigin = new Map<string, { readonly url: URL; readonly uses: string[] }>();
  for (const [use, url] of named) {
    if (url === undefined) continue;
    const known = byOrigin.get(url.origin);
    if (known === undefined) byOrigin.set(url.origin, { url, uses: [use] });
    else known.uses.push(use);
  }
  return [...byOrigin.values()].map((origin) => ({
    ...origin,
    outboundProxy: origin.url.protocol === 'https:' ? config.httpsProxy : config.httpProxy,
  }));
}

/** As the resolver and sockets take it. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}
