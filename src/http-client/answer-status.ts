// What every client of an origin reads of an answer before its body: headers, and a status that stands for a failure.
import { failed, type Failure } from '../domain/failure.js';
import { parseRetryAfterMs } from './retry-after.js';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

const STATUSES_WITH_RETRY_AFTER: readonly number[] = [429, 503];

export function failedStatus(
  status: number,
  headers: ResponseHeaders,
  nowMs: number,
): Failure<`status_${number}`> {
  const retryAfter = STATUSES_WITH_RETRY_AFTER.includes(status) ? one(headers['retry-after']) : '';
  return failed(`status_${status}`, `HTTP status ${status}`, parseRetryAfterMs(retryAfter, nowMs));
}

/** How long the body is as it travels, by what the origin says; 0 where it says nothing. */
export function announcedBytes(headers: ResponseHeaders): number {
  const length = one(headers['content-length']);
  return /^\d{1,15}$/.test(length) ? Number(length) : 0;
}

/** The header, or the first of several; empty if it is missing. */
export function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? '';
}
