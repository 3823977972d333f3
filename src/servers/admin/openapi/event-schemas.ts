// What the events of change say: the data of each, by the name of the event.
import {
  all,
  FLAG,
  object,
  OF_SPEC,
  OPTIONAL_NUMBER,
  OPTIONAL_TEXT,
  listOf,
  schema,
  SOURCES,
  TEXT,
  TIME,
} from './schema-forms.js';

export const EVENT_SCHEMAS = {
  /** Load everything anew: what changed before this event is not known, as at the first event of a stream. */
  ResetEvent: object({}),
  /** `version` null: held no more. */
  SpecEvent: object({
    sdkKey: TEXT,
    ...OF_SPEC,
    at: TIME,
    old: OPTIONAL_NUMBER,
    version: OPTIONAL_NUMBER,
    source: { enum: [...SOURCES, null] },
    from: OPTIONAL_TEXT,
  }),
  HoldEvent: schema('Hold'),
  ProblemEvent: all(schema('Problem'), object({ isOver: FLAG })),
  ReplicasEvent: object({
    leader: OPTIONAL_TEXT,
    isLeader: { type: ['boolean', 'null'] },
    names: listOf(TEXT),
  }),
  AuditEvent: schema('Audited'),
  /** The last event of a stream that this replica ends. */
  EndEvent: object({ reason: TEXT, message: TEXT }),
} as const;

/** By the name of the event. */
export const EVENT_DATA = {
  reset: 'ResetEvent',
  spec: 'SpecEvent',
  hold: 'HoldEvent',
  problem: 'ProblemEvent',
  replicas: 'ReplicasEvent',
  audit: 'AuditEvent',
  end: 'EndEvent',
} as const satisfies Record<string, keyof typeof EVENT_SCHEMAS>;
