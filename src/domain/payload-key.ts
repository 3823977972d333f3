// The identity of one cached payload: whose it is, in which API's shape, in which format.

/** `/v1/…` (legacy SDKs) or `/v2/…` (core SDKs, ruby): two different bodies for one key. */
export type SpecApi = 'v1' | 'v2';
/** Every API there is. */
export const SPEC_APIS: readonly SpecApi[] = ['v1', 'v2'];
/** JSON text, or the `statsig-br` stream of protobuf envelopes. */
export type SpecFormat = 'json' | 'protobuf';

export interface PayloadKey {
  readonly sdkKey: string;
  readonly api: SpecApi;
  readonly format: SpecFormat;
}

/** The path of an API's specs, the same upstream and downstream, without a key: also its name in events. */
export function specPath(api: SpecApi): string {
  return `/${api}/download_config_specs`;
}

/** A string that is the same for the same payload key, and for no other. Holds the whole SDK key: not for logs. */
export function payloadId(key: PayloadKey): string {
  return `${key.api}/${key.format}/${key.sdkKey}`;
}

/** How many payloads an SDK key can have. */
export const PAYLOADS_PER_SDK_KEY = 4;

/** All of them. */
export function allPayloadKeys(sdkKey: string): PayloadKey[] {
  const formats: readonly SpecFormat[] = ['json', 'protobuf'];
  return SPEC_APIS.flatMap((api) => formats.map((format) => ({ sdkKey, api, format })));
}
