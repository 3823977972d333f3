// The types of what /api/v1 answers: made from src/servers/admin/openapi.ts by `npm run docs`; a test holds them equal.

export type Error = { readonly code: number; readonly reason: string; readonly message: string };

export type Spec = {
  readonly sdkKey: string;
  readonly keyHash: string;
  readonly api: string;
  readonly format: 'json' | 'protobuf';
  readonly isPinned: boolean;
  readonly state: 'missing' | 'refused' | 'failing' | 'held_back' | 'held' | 'returning' | 'ok';
  readonly version: number | null;
  readonly versionAt: string | null;
  readonly heldForS: number | null;
  readonly bytes: number | null;
  readonly identityBytes: number | null;
  readonly confirmedAgoS: number | null;
  readonly source: 'origin' | 'redis' | 'disk' | 'operator' | null;
  readonly from: string | null;
  readonly lastPoll: {
    readonly kind: 'updated' | 'unchanged' | 'unauthorized' | 'failed' | 'confirmed_by_fleet';
    readonly reason: string | null;
    readonly since: string | null;
    readonly until: string | null;
    readonly count: number;
  } | null;
  readonly streams: number;
  readonly requestsPerMinute: number;
  readonly clients: {
    readonly instances: number;
    readonly newest: number;
    readonly older: number;
    readonly none: number;
  };
  readonly bySdk: readonly {
    readonly sdk: string;
    readonly version: string;
    readonly instances: number;
    readonly newest: number;
    readonly older: number;
    readonly none: number;
  }[];
  readonly byVersion: readonly { readonly version: number; readonly instances: number }[];
  readonly updates: readonly {
    readonly version: number;
    readonly at: string | null;
    readonly clients: number;
    readonly p50S: number | null;
    readonly p90S: number | null;
    readonly p99S: number | null;
  }[];
  readonly hold: Hold | null;
};

export type Specs = {
  readonly specs: readonly Spec[];
  readonly total: number;
  readonly matching: number;
  readonly next: string | null;
};

export type OneSpec = Spec & {
  readonly polls: {
    readonly intervalS: number;
    readonly nextInS: number | null;
    readonly failuresInARow: number;
    readonly outcomes: readonly {
      readonly kind: 'updated' | 'unchanged' | 'unauthorized' | 'failed' | 'confirmed_by_fleet';
      readonly reason: string | null;
      readonly since: string | null;
      readonly until: string | null;
      readonly count: number;
    }[];
  };
  readonly backups: readonly {
    readonly place: 'redis' | 'disk';
    readonly last: string | null;
    readonly lastAt: string | null;
    readonly storedAt: string | null;
    readonly failures: number;
  }[];
  readonly formBytes: Readonly<Record<string, unknown>>;
};

export type Version = {
  readonly version: number;
  readonly versionAt: string | null;
  readonly heldAt: string | null;
  readonly source: 'origin' | 'redis' | 'disk' | 'operator';
  readonly replica: string;
  readonly from: string | null;
  readonly hash: string;
  readonly bytes: number;
  readonly identityBytes: number;
};

export type Versions = { readonly inForce: number | null; readonly versions: readonly Version[] };

export type Diff = {
  readonly from: number;
  readonly to: number;
  readonly groups: {
    readonly gates: {
      readonly added: { readonly count: number; readonly names: readonly string[] };
      readonly removed: { readonly count: number; readonly names: readonly string[] };
      readonly changed: { readonly count: number; readonly names: readonly string[] };
      readonly details: readonly {
        readonly name: string;
        readonly fields: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly rules: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly areRulesReordered: boolean;
        readonly hasMore: boolean;
      }[];
    };
    readonly configs: {
      readonly added: { readonly count: number; readonly names: readonly string[] };
      readonly removed: { readonly count: number; readonly names: readonly string[] };
      readonly changed: { readonly count: number; readonly names: readonly string[] };
      readonly details: readonly {
        readonly name: string;
        readonly fields: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly rules: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly areRulesReordered: boolean;
        readonly hasMore: boolean;
      }[];
    };
    readonly experiments: {
      readonly added: { readonly count: number; readonly names: readonly string[] };
      readonly removed: { readonly count: number; readonly names: readonly string[] };
      readonly changed: { readonly count: number; readonly names: readonly string[] };
      readonly details: readonly {
        readonly name: string;
        readonly fields: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly rules: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly areRulesReordered: boolean;
        readonly hasMore: boolean;
      }[];
    };
    readonly layers: {
      readonly added: { readonly count: number; readonly names: readonly string[] };
      readonly removed: { readonly count: number; readonly names: readonly string[] };
      readonly changed: { readonly count: number; readonly names: readonly string[] };
      readonly details: readonly {
        readonly name: string;
        readonly fields: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly rules: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly areRulesReordered: boolean;
        readonly hasMore: boolean;
      }[];
    };
    readonly segments: {
      readonly added: { readonly count: number; readonly names: readonly string[] };
      readonly removed: { readonly count: number; readonly names: readonly string[] };
      readonly changed: { readonly count: number; readonly names: readonly string[] };
      readonly details: readonly {
        readonly name: string;
        readonly fields: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly rules: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly areRulesReordered: boolean;
        readonly hasMore: boolean;
      }[];
    };
    readonly paramStores: {
      readonly added: { readonly count: number; readonly names: readonly string[] };
      readonly removed: { readonly count: number; readonly names: readonly string[] };
      readonly changed: { readonly count: number; readonly names: readonly string[] };
      readonly details: readonly {
        readonly name: string;
        readonly fields: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly rules: readonly {
          readonly name: string;
          readonly before?: unknown;
          readonly after?: unknown;
        }[];
        readonly areRulesReordered: boolean;
        readonly hasMore: boolean;
      }[];
    };
  };
};

export type SpecClients = {
  readonly version: number | null;
  readonly clients: readonly {
    readonly session: string | null;
    readonly isStream: boolean;
    readonly sdk: string;
    readonly sdkVersion: string;
    readonly holds: number;
    readonly holding: 'newest' | 'older' | 'none';
    readonly firstSeenAgoS: number;
    readonly seenAgoS: number;
  }[];
  readonly leftOut: number;
};

export type Clients = {
  readonly instances: number;
  readonly newest: number;
  readonly older: number;
  readonly none: number;
  readonly unnamedPolls: number;
  readonly bySdk: readonly {
    readonly sdk: string;
    readonly version: string;
    readonly instances: number;
    readonly newest: number;
    readonly older: number;
    readonly none: number;
  }[];
  readonly specs: readonly {
    readonly sdkKey: string;
    readonly keyHash: string;
    readonly api: string;
    readonly format: 'json' | 'protobuf';
    readonly version: number;
    readonly heldForS: number;
    readonly instances: number;
    readonly newest: number;
    readonly older: number;
    readonly none: number;
    readonly p50S: number | null;
    readonly p90S: number | null;
    readonly p99S: number | null;
    readonly bySdk: readonly {
      readonly sdk: string;
      readonly version: string;
      readonly instances: number;
      readonly newest: number;
      readonly older: number;
      readonly none: number;
    }[];
    readonly byVersion: readonly { readonly version: number; readonly instances: number }[];
  }[];
  readonly leftOut: number;
};

export type JudgedCondition = {
  readonly operator: string;
  readonly asks: Readonly<Record<string, unknown>>;
  readonly result: 'matched' | 'not_matched' | 'unknown';
  readonly reason: string;
  readonly conditions?: readonly JudgedCondition[];
};

export type Evaluated = {
  readonly version: number;
  readonly configs: readonly {
    readonly name: string;
    readonly value: unknown;
    readonly override: number | null;
    readonly baseValue: unknown;
    readonly overrides: readonly {
      readonly name: string;
      readonly result: 'matched' | 'not_matched' | 'unknown';
      readonly value: unknown;
      readonly conditions: readonly JudgedCondition[];
    }[];
  }[];
  readonly leftOut: number;
};

export type Hold = {
  readonly keyHash: string;
  readonly api: string;
  readonly format: 'json' | 'protobuf';
  readonly action: 'freeze' | 'rollback' | 'guard';
  readonly state: 'held' | 'returning' | 'over';
  readonly version: number;
  readonly bodyOf: number;
  readonly reason: string;
  readonly who: string;
  readonly waiting: number | null;
  readonly since: string | null;
  readonly until: string | null;
};

export type Holds = { readonly holds: readonly (Hold & { readonly servedHere: number | null })[] };

export type Ordered = { readonly hold: Hold; readonly isEverywhere: boolean };

export type Audited = {
  readonly at: string | null;
  readonly action: string;
  readonly replica: string;
  readonly who: string;
  readonly address: string;
  readonly keyHash: string;
  readonly api: string;
  readonly format: 'json' | 'protobuf';
  readonly old: number | null;
  readonly new: number | null;
  readonly reason: string;
};

export type AuditLine = Audited & { readonly seq: number; readonly previous: string; readonly hash: string };

export type Audit = { readonly lines: readonly AuditLine[] };

export type Problem = {
  readonly reason: string;
  readonly severity: 'degraded' | 'failing';
  readonly what: string;
  readonly since: string | null;
  readonly count: number;
  readonly remedy: string;
};

export type Status = {
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly problems: readonly Problem[];
  readonly phase: string;
  readonly version: string;
  readonly node: string;
  readonly instance: string;
  readonly now: string | null;
  readonly uptimeS: number;
  readonly mode: string;
  readonly cache: string;
  readonly isLeader: boolean | null;
  readonly leader: string | null;
  readonly endpoints: Readonly<Record<string, unknown>>;
  readonly specs: {
    readonly sdkKeys: number;
    readonly pinnedSdkKeys: number;
    readonly payloads: number;
    readonly held: number;
    readonly failing: number;
    readonly refused: number;
    readonly notPinned: number;
    readonly oldestConfirmedAgoS: number | null;
  };
  readonly redis: Readonly<Record<string, unknown>> | null;
  readonly disk: Readonly<Record<string, unknown>> | null;
  readonly backupsToWrite: Readonly<Record<string, unknown>>;
  readonly openPages: number;
};

export type Replicas = {
  readonly isShared: boolean;
  readonly leader: string | null;
  readonly replicas: readonly {
    readonly id: string;
    readonly name: string;
    readonly isThis: boolean;
    readonly isLeader: boolean;
    readonly release: string;
    readonly startedAt: string | null;
    readonly saidAgoS: number;
    readonly specs: number;
  }[];
  readonly specs: readonly {
    readonly sdkKey: string;
    readonly keyHash: string;
    readonly api: string;
    readonly format: 'json' | 'protobuf';
    readonly isSame: boolean;
    readonly versions: readonly (number | null)[];
  }[];
  readonly differing: number;
  readonly leftOut: number;
};

export type LogEvents = {
  readonly store: 'memory' | 'disk' | 'redis';
  readonly durability: Readonly<Record<string, unknown>> | null;
  readonly isDurable: boolean;
  readonly accepted: number;
  readonly forwarded: number;
  readonly retried: number;
  readonly deduplicated: number;
  readonly dead: number;
  readonly turnedAway: number;
  readonly waiting: { readonly batches: number; readonly bytes: number; readonly oldestAgeS: number | null };
  readonly byKey: readonly {
    readonly sdkKey: string;
    readonly accepted: number;
    readonly forwarded: number;
    readonly retried: number;
    readonly deduplicated: number;
    readonly dead: number;
    readonly turnedAway: number;
    readonly waiting: {
      readonly batches: number;
      readonly bytes: number;
      readonly oldestAgeS: number | null;
    };
    readonly failuresInARow: number;
    readonly reason: string | null;
  }[];
  readonly leftOut: number;
  readonly queue: {
    readonly replicas: readonly string[];
    readonly shards: readonly {
      readonly shard: number;
      readonly owner: string | null;
      readonly isOwned: boolean;
      readonly batches: number;
      readonly bytes: number;
      readonly oldestAgeS: number | null;
      readonly deadLetters: number;
      readonly unreadable: number;
    }[];
    readonly onDisk: { readonly batches: number; readonly bytes: number } | null;
  } | null;
};

export type IdLists = {
  readonly files: number;
  readonly copies: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly evictions: number;
  readonly hits: number;
  readonly fetches: number;
  readonly streamedThrough: number;
  readonly turnedAway: number;
  readonly failures: Readonly<Record<string, unknown>>;
  readonly disk: Readonly<Record<string, unknown>> | null;
};

export type Settings = {
  readonly settings: readonly {
    readonly group: string;
    readonly option: string;
    readonly variable: string;
    readonly value: string | number | boolean | null;
    readonly default: string | number | boolean | null;
    readonly from: 'default' | 'option' | 'variable';
    readonly help: string;
  }[];
};

export type ResetEvent = Readonly<Record<string, never>>;

export type SpecEvent = {
  readonly sdkKey: string;
  readonly keyHash: string;
  readonly api: string;
  readonly format: 'json' | 'protobuf';
  readonly at: string | null;
  readonly old: number | null;
  readonly version: number | null;
  readonly source: 'origin' | 'redis' | 'disk' | 'operator' | null;
  readonly from: string | null;
};

export type HoldEvent = Hold;

export type ProblemEvent = Problem & { readonly isOver: boolean };

export type ReplicasEvent = {
  readonly leader: string | null;
  readonly isLeader: boolean | null;
  readonly names: readonly string[];
};

export type AuditEvent = Audited;

export type EndEvent = { readonly reason: string; readonly message: string };

export type Description = Readonly<Record<string, unknown>>;
