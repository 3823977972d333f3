// The identity of one cached payload: whose it is, of which API, in which format.

/** `/v1/…` (legacy SDKs) or `/v2/…` (core SDKs, ruby): two different bodies for one key. */
export type SpecApi = 'v1' | 'v2';
/** Every API there is. */
export const SPEC_APIS: readonly SpecApi[] = ['v1', 'v2'];
/** The manifest of a key's ID lists, kept like a spec. */
export const ID_LISTS = 'id_lists';
export type PayloadApi = SpecApi | typeof ID_LISTS;
/** Every API whose bodies are kept. */
export const PAYLOAD_APIS: readonly PayloadApi[] = [...SPEC_APIS, ID_LISTS];
/** JSON text, or the `statsig-br` stream of protobuf envelopes. */
export type SpecFormat = 'json' | 'protobuf';
/** Every format there is. */
export const SPEC_FORMATS: readonly SpecFormat[] = ['json', 'protobuf'];

export interface PayloadKey {
  readonly sdkKey: string;
  readonly api: PayloadApi;
  /** ID lists are JSON. */
  readonly format: SpecFormat;
}

/** The path of an API's payloads, the same upstream and downstream, without a key: also its name in Redis and in events. */
export function payloadPath(api: PayloadApi): string {
  return api === ID_LISTS ? '/v1/get_id_lists' : `/${api}/download_config_specs`;
}

/** The manifest of a key's ID lists. */
export function idListsKey(sdkKey: string): PayloadKey {
  return { sdkKey, api: ID_LISTS, format: 'json' };
}

/** A string that is the same for the same payload key, and for no other. Holds the whole SDK key: not for logs. */
export function payloadId(key: PayloadKey): string {
  return `${key.api}/${key.format}/${key.sdkKey}`;
}

/** How many payloads an SDK key can have. */
export const PAYLOADS_PER_SDK_KEY = 5;

/** All of them. */
export function allPayloadKeys(sdkKey: string): PayloadKey[] {
  const specs = SPEC_APIS.flatMap((api) => SPEC_FORMATS.map((format) => ({ sdkKey, api, format })));
  return [...specs, idListsKey(sdkKey)];
}
