// The handler of a response, in undici's terms, and its time limits.

export interface AnswerLimits {
  /** From the request to the head of its answer. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of a body, while its reader takes them. */
  readonly bodyIdleTimeoutMs: number;
}

/**
 * The handler of a response as undici 7 has it in its agents: its request API uses this older form of `DispatchHandler`,
 * and handlers of the newer form are wrapped into it on their way.
 */
export interface AnswerHandler {
  /** Once per attempt; calls `abort` at once where the caller has given up. */
  onConnect(abort: (reason?: Error) => void, ...more: unknown[]): void;
  /** False for no data until `resume` is called. */
  onHeaders(
    status: number,
    rawHeaders: readonly (Buffer | string)[],
    resume: () => void,
    statusText: string,
  ): boolean | undefined;
  onData(piece: Buffer): boolean;
  onComplete(rawTrailers: string[]): void;
  onError(error: Error): void;
}
