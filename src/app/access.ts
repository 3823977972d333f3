// Access as a feature: the tokens that are taken, the files and the URL behind them, and what the admin port asks for.
import { Authority } from '../auth/authority.js';
import { FiledKeys } from '../auth/key-source.js';
import { createKeysClient, type KeysClient } from '../auth/keys-client.js';
import { JwtVerifier } from '../auth/jwt-verifier.js';
import { RemoteKeys } from '../auth/remote-keys.js';
import { TokenTable } from '../auth/token-table.js';
import { parseKeys, parseTokens } from '../config/access-config.js';
import type { Config } from '../config/load-config.js';
import type { FollowedFile } from '../files/followed-files.js';
import { SharedConnections } from '../http-client/upstream-pool.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { Feature } from './feature.js';
import type { Problem } from './problems.js';
import { toUpstreamOptions } from './room-options.js';
import type { World } from './world.js';

export interface AccessRooms {
  /** For the admin port; undefined where that is open to everybody. */
  readonly authority: Authority | undefined;
  readonly feature: Feature;
  /** Those of the settings, with what becomes of new contents. */
  readonly files: readonly FollowedFile[];
  /** From now on these certificate authorities count, as for origins. */
  readonly trust: (caPem: string) => void;
}

export function buildAccess(config: Config, world: World): AccessRooms {
  const { admin, tokens, keys, keysUrl } = config.access;
  const { clock, log } = world;
  const table = new TokenTable(tokens?.content ?? []);
  const filed = keys && new FiledKeys(keys.content);
  const client = keysUrl && openClient(config, world, keysUrl);
  const remote = client && new RemoteKeys(clock, log, client.fetch);
  const source = filed ?? remote;
  const verifier = new JwtVerifier({ issuer: config.jwtIssuer, audience: config.jwtAudience });
  const authority = new Authority(clock, log, { tokens: table, jwt: source && { verifier, keys: source } });
  return {
    authority: admin === 'open' ? undefined : authority,
    trust: (caPem) => client?.trust(caPem),
    files: [
      ...followed('tokens file', config.tokensFile, tokens?.text, (text) => {
        const { content, faults } = parseTokens(config.tokensFile, text);
        if (faults.length === 0) table.replace(content);
        return { faults, facts: { tokens: content.length } };
      }),
      ...followed('JWT keys file', config.jwtKeysFile, keys?.text, (text) => {
        const { content, faults } = parseKeys(config.jwtKeysFile, text);
        if (faults.length === 0 && filed !== undefined) filed.current = content;
        return { faults, facts: { keys: content.keys.length } };
      }),
    ],
    feature: {
      name: 'access',
      open: () => {
        if (admin === 'closed')
          log.warn('admin port beyond loopback: only probes and /metrics, without tokens');
        remote?.start();
      },
      drain: () => {
        remote?.stop();
      },
      close: () => client?.close(),
      gauges: () => ({ badTokenAddresses: authority.gauge }),
      problems: () => problemsOf(remote),
      readings: (write) => {
        for (const [fault, count] of authority.refused) write(to.accessRefused, count, fault);
      },
      status: () => ({
        access: {
          admin,
          tokens: table.size,
          jwtKeys: source?.current?.keys.length ?? 0,
          refused: Object.fromEntries(authority.refused),
        },
      }),
    },
  };
}

/** With connections of its own: an issuer that hangs must not cost the origins theirs. */
function openClient(
  config: Config,
  { clock, version, lookup }: World,
  url: URL,
): KeysClient & Pick<AccessRooms, 'trust'> {
  const connections = new SharedConnections(clock, { ...toUpstreamOptions(config, version), lookup });
  const client = createKeysClient(clock, { ...toUpstreamOptions(config, version, connections), url });
  return {
    fetch: client.fetch,
    trust: connections.trust.bind(connections),
    close: async () => {
      await client.close();
      await connections.close();
    },
  };
}

function followed(
  name: string,
  path: string,
  text: string | undefined,
  takeOver: (text: string) => ReturnType<FollowedFile['takeOver']>,
): readonly FollowedFile[] {
  if (text === undefined) return [];
  return [{ name, paths: [path], texts: [text], takeOver: ([now = '']) => takeOver(now) }];
}

function problemsOf(remote: RemoteKeys | undefined): readonly Problem[] {
  if (remote?.failing === undefined) return [];
  const { sinceMs, reason } = remote.failing;
  const what = `The keys of the token issuer cannot be fetched: ${reason}.`;
  return [{ reason: 'token_keys_failing', what, sinceMs, count: 1 }];
}
