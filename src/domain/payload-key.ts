// The identity of one cached payload: whose it is, of which kind, in which format.
import type { PayloadFormat, ResourceKind } from './resource-kind.js';

export interface PayloadKey {
  readonly sdkKey: string;
  readonly kind: ResourceKind;
  /** One of the kind's formats. */
  readonly format: PayloadFormat;
}

/** A string that is the same for the same payload key, and for no other. Holds the whole SDK key: not for logs. */
export function payloadId(key: PayloadKey): string {
  return `${key.kind.name}/${key.format}/${key.sdkKey}`;
}
