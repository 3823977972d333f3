// A collected profile as pprof's tools would read it: what it measures, and the functions on its stacks.
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

export interface DecodedProfile {
  readonly sampleTypes: readonly string[];
  readonly functions: ReadonlySet<string>;
  readonly samples: number;
}

export function decodeProfile(bytes: Uint8Array): DecodedProfile {
  const profile = Profile.decode(gunzipSync(bytes));
  const word = (index: number | bigint): string => profile.stringTable.strings[Number(index)] ?? '';
  return {
    sampleTypes: profile.sampleType.map(({ type }) => word(type)),
    functions: new Set(profile.function.map(({ name }) => word(name))),
    samples: profile.sample.length,
  };
}
