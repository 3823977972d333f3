// How an origin of Replane's SDKs answers one request: honestly, late, in pieces, cut, or with something else than a stream.

export interface StreamPlan {
  /** Sent instead of a stream. */
  readonly answer:
    | {
        readonly status: number;
        readonly headers: Readonly<Record<string, string>>;
        readonly body: string;
      }
    | undefined;
  /** Nothing of the answer is sent before; for ever where it is infinite. */
  readonly headAfterMs: number;
  /** From the head to `init`, whose content is of the time of the head. */
  readonly initAfterMs: number;
  readonly pingMs: number;
  readonly isGzipped: boolean;
  /** How a frame is divided: each piece is written by itself, one per turn of the event loop. */
  readonly pieces: (frame: Buffer) => readonly Buffer[];
  /** Of the stream's bytes: the connection is destroyed there. */
  readonly cutAtByte: number;
  /** What follows `init`; `silent`: the connection stays, and nothing is sent any more. */
  readonly then: 'live' | 'silent' | 'end' | 'cut';
}

export const HONEST_STREAM: StreamPlan = {
  answer: undefined,
  headAfterMs: 0,
  initAfterMs: 0,
  pingMs: 15_000,
  isGzipped: false,
  pieces: (frame) => [frame],
  cutAtByte: Infinity,
  then: 'live',
};

/** What a load balancer says for a server that is gone. */
export const HTML_PAGE: Partial<StreamPlan> = {
  answer: {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<!doctype html><html><body><h1>We will be back soon</h1></body></html>',
  },
};

export function refusal(
  status: number,
  msg: string,
  headers: Readonly<Record<string, string>> = {},
): Partial<StreamPlan> {
  const body = JSON.stringify({ msg });
  return { answer: { status, headers: { 'content-type': 'application/json', ...headers }, body } };
}

/** Divides a frame into pieces of as many bytes. */
export function piecesOf(bytes: number): StreamPlan['pieces'] {
  return (frame) => {
    const pieces: Buffer[] = [];
    for (let start = 0; start < frame.length; start += bytes)
      pieces.push(frame.subarray(start, start + bytes));
    return pieces;
  };
}
