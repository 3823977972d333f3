// The answer to a client that is current, the same over every protocol.

/** Exactly this text, as plain JSON whatever was asked for: core SDKs log an error for a labelled "no update". */
export const NO_UPDATES = '{"has_updates":false}';
