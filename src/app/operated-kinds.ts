// The kinds of payloads that operators see and hold: specs of Statsig, and projects of Replane where its SDKs are served.
import type { ResourceKind } from '../domain/resource-kind.js';
import { REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import { SPEC_KINDS } from '../protocols/statsig/resource-kinds.js';

export const OPERATED_KINDS: readonly ResourceKind[] = [...SPEC_KINDS, REPLANE_PROJECT];
