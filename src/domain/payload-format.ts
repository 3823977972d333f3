// The formats that bodies come in, before any compression.

/** JSON text, or a stream of protobuf envelopes. */
export type PayloadFormat = 'json' | 'protobuf';
/** Every format there is. */
export const PAYLOAD_FORMATS: readonly PayloadFormat[] = ['json', 'protobuf'];
