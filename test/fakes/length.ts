// How long a test lasts that has a long version: short in the suite, its full length under `npm run soak`.

/** A test that uses this stands in a file named *.soak.test.ts: `npm run soak` runs these. */
export function lengthOf<Length>({ suite, soak }: { readonly suite: Length; readonly soak: Length }): Length {
  return process.env['SOAK'] === '1' ? soak : suite;
}
