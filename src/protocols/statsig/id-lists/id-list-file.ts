// One file of an ID list: lines of members that came and went, which only ever grows.

export interface IdListFile {
  /** The same for the same file wherever it lies now, and for no other. 43 characters of base64url: fit for a file's name, tells nothing of a key or a URL. */
  readonly name: string;
  /** Where the origin has it now: http or https. May hold a signature in its query: not for logs. */
  readonly url: string;
}
