// The SDKs that clients say they are: one object for each type and version, of a bounded number.
import { ownCopy } from '../../../domain/own-copy.js';
import { clientText } from '../../../domain/client-text.js';
import { LABEL_VALUES_MAX, OTHER } from '../../../observability/series.js';

export interface ClientSdk {
  readonly type: string;
  readonly version: string;
}

const BEYOND: ClientSdk = { type: OTHER, version: OTHER };

export class ClientSdks {
  readonly #byName = new Map<string, ClientSdk>();

  /** `own`: the SDK key that the client names, which is not shown. */
  of(type: unknown, version: unknown, own: string): ClientSdk {
    const sdk = { type: clientText(type, own), version: clientText(version, own) };
    const name = `${sdk.type}/${sdk.version}`;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= LABEL_VALUES_MAX) return BEYOND;
    const kept = { type: ownCopy(sdk.type), version: ownCopy(sdk.version) };
    this.#byName.set(name, kept);
    return kept;
  }
}
