// What a command that asks or prints something comes to.

export interface CommandReport {
  readonly exitStatus: 0 | 1 | 2;
  /** For standard output where all is well, else for standard error. */
  readonly text: string;
}
