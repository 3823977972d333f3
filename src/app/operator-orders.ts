// Carries out operators' orders, writes them into the audit log, and describes what holds a spec.
import type { AuditAction } from '../core/audit/audit-line.js';
import { holdStateOf, type Hold } from '../core/holds/hold.js';
import type { HoldOperations, HoldRefusalReason, Operated, Order } from '../core/holds/hold-operations.js';
import type { PayloadStore } from '../core/payload-store.js';
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import {
  done,
  refuse,
  type ApiAnswer,
  type HoldOrder,
  type Operator,
  type OperatorApi,
  type SpecName,
} from '../servers/admin/operator-api.js';
import type { Audit } from './audit.js';
import { toIso } from './shown-times.js';

export interface OrderRooms {
  readonly store: PayloadStore;
  readonly holdOperations: HoldOperations;
  readonly audit: Pick<Audit, 'operated' | 'newest'>;
}

/** Finds the payload of a name, or says that it is not here. */
export type Found = (name: SpecName, use: (key: PayloadKey) => Promise<ApiAnswer>) => Promise<ApiAnswer>;

export function buildOrders(
  clock: Clock,
  { store, holdOperations, audit }: OrderRooms,
  found: Found,
): Pick<OperatorApi, 'freeze' | 'rollBack' | 'refuse' | 'release'> {
  const operate = (
    action: AuditAction,
    name: SpecName,
    operator: Operator,
    run: (key: PayloadKey) => Promise<Operated>,
  ): Promise<ApiAnswer> =>
    found(name, async (key) => {
      const old = store.peek(key)?.payload.version ?? null;
      const operated = await run(key);
      if (operated.kind === 'refused')
        return refuse('hold_refused', `${operated.reason}: ${REFUSALS[operated.reason]}`);
      const { hold, isEverywhere } = operated;
      const now = action === 'release' ? null : hold.version;
      audit.operated(action, key, operator, { old, new: now, reason: hold.reason });
      return done({ hold: describeHold(hold, clock.nowMs()), isEverywhere });
    });
  return {
    freeze: (name, order) =>
      operate('freeze', name, order, (key) => holdOperations.freeze(key, toOrder(order))),
    rollBack: (name, version, order) =>
      operate('rollback', name, order, (key) => holdOperations.rollBack(key, version, toOrder(order))),
    refuse: (name, order) =>
      operate('refuse', name, order, (key) => holdOperations.refuse(key, toOrder(order))),
    release: (name, operator) =>
      operate('release', name, operator, (key) => holdOperations.release(key, operator.who)),
  };
}

const REFUSALS: Readonly<Record<HoldRefusalReason, string>> = {
  nothing_held: 'Nothing is held of this spec now.',
  version_not_kept: 'This version is not kept, or no place can be read or written now.',
  version_in_force: 'This version is in force already: freeze it instead.',
  cannot_restate: 'The time of this version cannot be changed in its body beyond doubt.',
  versions_changing: 'New versions keep coming: try again.',
  too_many_holds: 'There are too many holds: release some.',
  not_on_hold: 'Nothing holds this spec.',
  not_held_back: 'No update of this spec is held back.',
};

function toOrder({ who, reason, forS }: HoldOrder): Order {
  return { who, reason, forMs: forS * 1000 };
}

/** `served`: the version in force here, where it is known. */
export function describeHold(hold: Hold, nowMs: number, served = 0): object {
  const { sinceMs, untilMs, keyHash, api, format, action, version, bodyOf, reason, who } = hold;
  const state = holdStateOf(hold, served, nowMs);
  const of = { keyHash, api, format, action, state, version, bodyOf, reason, who };
  return { ...of, waiting: hold.waiting ?? null, since: toIso(sinceMs), until: toIso(untilMs) };
}
