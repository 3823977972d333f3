// Body-inspector interface: whether a body is a batch at all, and which of its events the origin already has.

export interface InspectionRequest {
  readonly sdkKey: string;
  /** As it came. */
  readonly body: Uint8Array;
  /** `content-encoding`, in lower case; empty for none. */
  readonly coding: string;
}

/** Why a body was not looked into: it is passed on as it came. */
export type UnreadReason =
  /** It is compressed in a way that cannot be undone here. */
  | 'coding'
  /** There was no time for it. */
  | 'busy'
  /** The thread that looks into bodies broke. */
  | 'broken';

export type Inspection =
  | {
      readonly kind: 'batch';
      /** Exposures left out. */
      readonly dropped: number;
      /** Without them, compressed by gzip; undefined where the body stays as it came. */
      readonly rest: { readonly body: Uint8Array; readonly events: number } | undefined;
    }
  | { readonly kind: 'unread'; readonly reason: UnreadReason }
  /** No JSON object with an array of events. `message`: what is wrong, for people. */
  | { readonly kind: 'invalid'; readonly message: string }
  /** Over the limit once decompressed. */
  | { readonly kind: 'too-large' };

export interface Inspected {
  readonly inspection: Inspection;
  /**
   * Tells whether the batch was kept: only then its exposures count as sent, as an SDK sends a batch again that was not
   * accepted.
   */
  readonly settle: (isKept: boolean) => void;
}

export interface Inspector {
  /** Never rejects. */
  inspect(request: InspectionRequest): Promise<Inspected>;
  /** Exposures remembered as sent. */
  readonly remembered: number;
  readonly rememberedMax: number;
  close(): Promise<void>;
}
