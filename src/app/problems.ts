// What can be wrong with a replica that runs: how bad each kind of problem is, and what to do about it.

/** Stable and machine-readable. */
export type ProblemReason =
  | 'spec_missing'
  | 'origin_failing'
  | 'key_refused'
  | 'specs_held'
  | 'update_held_back'
  | 'audit_failing'
  | 'file_not_taken_over'
  | 'token_keys_failing'
  | 'redis_failing'
  | 'specs_folder_failing'
  | 'id_lists_folder_failing'
  | 'id_list_files_failing'
  | 'remote_values_missing'
  | 'log_events_folder_failing'
  | 'log_events_not_written'
  | 'log_events_turned_away'
  | 'log_events_not_delivered'
  | 'log_events_refused'
  | 'log_events_given_up'
  | 'log_events_shard_unowned'
  | 'log_events_spooled'
  | 'log_events_sealed'
  | 'data_key_missing'
  | 'limit_reached'
  | 'telemetry_not_delivered';

/** As the feature that has it states it. */
export interface Problem {
  readonly reason: ProblemReason;
  /** A sentence for people, without SDK keys and folders. */
  readonly what: string;
  /** By the wall clock. */
  readonly sinceMs: number;
  /** How many payloads, SDK keys, files or events it is about. */
  readonly count: number;
}

/** `failing`: some clients do not get what they ask for, or their log events are not accepted. */
type Severity = 'degraded' | 'failing';

const KINDS: Readonly<Record<ProblemReason, { readonly severity: Severity; readonly remedy: string }>> = {
  spec_missing: {
    severity: 'failing',
    remedy:
      'Check that the SDK key is right and that the origin can be reached; a CACHE keeps specs across restarts.',
  },
  origin_failing: {
    severity: 'degraded',
    remedy:
      'Check DNS, HTTPS_PROXY, certificates and the origin itself. Specs that are held are served meanwhile.',
  },
  key_refused: {
    severity: 'degraded',
    remedy: 'The SDK key was revoked or belongs to another project: replace it in the services that use it.',
  },
  audit_failing: {
    severity: 'degraded',
    remedy:
      'Check owner, mode and free space of --data-dir. Its lines are written once the folder can be used again.',
  },
  update_held_back: {
    severity: 'degraded',
    remedy:
      'The page at / of the admin port, spec-forward-proxy ctl holds, and GET /api/v1/holds show what was lost. Accept the update there (ctl release) if that is meant; refuse it (ctl refuse), or mend the project, if it is not.',
  },
  specs_held: {
    severity: 'degraded',
    remedy:
      'The page at / of the admin port, spec-forward-proxy ctl holds, and GET /api/v1/holds show which specs they are, who holds them, why and until when. Release them there (ctl release) once the origin is right again.',
  },
  file_not_taken_over: {
    severity: 'degraded',
    remedy: 'Mend the file: its earlier contents stay in use until then, and new ones need no restart.',
  },
  token_keys_failing: {
    severity: 'degraded',
    remedy:
      'Check that --jwt-keys-url can be reached and answers a JSON Web Key Set. Keys from before are used meanwhile.',
  },
  redis_failing: {
    severity: 'degraded',
    remedy:
      'Check the way to Redis and its credentials. Specs are served meanwhile, and each replica polls for itself.',
  },
  specs_folder_failing: {
    severity: 'degraded',
    remedy: 'Check owner, mode and free space of --data-dir. It is tried again without a restart.',
  },
  id_lists_folder_failing: {
    severity: 'degraded',
    remedy: 'Check owner, mode and free space of --data-dir. It is tried again without a restart.',
  },
  id_list_files_failing: {
    severity: 'degraded',
    remedy: 'Check that the hosts in the ID list manifests can be reached; the log names files and reasons.',
  },
  remote_values_missing: {
    severity: 'failing',
    remedy:
      'Check that the origin serves /v1/dynamic_config_value; the log names values and reasons. They are tried again every 10 s.',
  },
  log_events_folder_failing: {
    severity: 'failing',
    remedy:
      'Check owner and mode of --data-dir, and that no other process uses it. It is tried again every 5 s.',
  },
  log_events_not_written: {
    severity: 'failing',
    remedy:
      'Check free space and health of the disk of --data-dir, or Redis where they are kept there. SDKs send again what was not accepted.',
  },
  log_events_turned_away: {
    severity: 'failing',
    remedy: 'Restore the way to the log-event origin; a larger --log-event-queue-max-in-mib buys time.',
  },
  log_events_not_delivered: {
    severity: 'degraded',
    remedy: 'Restore the way to the log-event origin. What waits is sent in order then.',
  },
  log_events_refused: {
    severity: 'degraded',
    remedy: 'Check the SDK keys at Statsig. Their log events are given up after three days.',
  },
  log_events_shard_unowned: {
    severity: 'degraded',
    remedy: 'Check that replicas reach Redis, and that all of them have --log-event-store redis.',
  },
  log_events_spooled: {
    severity: 'degraded',
    remedy: 'Check Redis: its memory, its way here, and its replicas. What waits goes into it in order then.',
  },
  log_events_given_up: {
    severity: 'degraded',
    remedy:
      'See dead-letters.jsonl in the folder of log events, or the dead letters in Redis, for what was given up, and why.',
  },
  log_events_sealed: {
    severity: 'degraded',
    remedy:
      'Put that key back as the second line of --data-key-file: the files are opened and sent at once. The log names the key.',
  },
  data_key_missing: {
    severity: 'degraded',
    remedy:
      'Put that key back as the second line of --data-key-file, on every replica. Nothing was removed: it is opened then.',
  },
  limit_reached: {
    severity: 'degraded',
    remedy:
      'Find out who sends so much. If it is honest load: more replicas, or the setting that docs/configuration.md names for it.',
  },
  telemetry_not_delivered: {
    severity: 'degraded',
    remedy:
      'Check the OTEL_EXPORTER_OTLP_… variables and the receiver: the log names its address and what went wrong. Counts are kept and arrive later.',
  },
};

export interface JudgedProblem extends Pick<Problem, 'reason' | 'what' | 'count'> {
  readonly severity: Severity;
  readonly since: string;
  readonly remedy: string;
}

export interface Verdict {
  readonly status: 'ok' | Severity;
  readonly problems: readonly JudgedProblem[];
}

/** The worst problems come first. */
export function judge(problems: readonly Problem[]): Verdict {
  const told = problems.map(({ reason, what, sinceMs, count }) => {
    const { severity, remedy } = KINDS[reason];
    return { reason, severity, what, since: new Date(sinceMs).toISOString(), count, remedy };
  });
  const failing = told.filter(({ severity }) => severity === 'failing');
  const degraded = told.filter(({ severity }) => severity === 'degraded');
  return { status: (failing[0] ?? degraded[0])?.severity ?? 'ok', problems: [...failing, ...degraded] };
}
