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
