// Where a Redis is: one server, a cluster, or one that sentinels know.

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export type RedisAddress =
  | ({ readonly kind: 'standalone' } & RedisNode)
  /** Any of its nodes; the others are learned from them. */
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisNode[] }
  | {
      readonly kind: 'sentinel';
      readonly masterName: string;
      readonly sentinels: readonly RedisNode[];
      /** Empty for none. */
      readonly sentinelUser: string;
      readonly sentinelPassword: string;
    };

/** The same nodes, beginning at another one for each `by`. */
export function rotate(nodes: readonly RedisNode[], by: number): RedisNode[] {
  const from = by % nodes.length;
  return [...nodes.slice(from), ...nodes.slice(0, from)];
}
