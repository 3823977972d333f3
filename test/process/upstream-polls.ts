// What replicas asked the origin: whose question each was, for which spec, and when.
import type { FakeOrigin } from '../fakes/fake-origin.js';
import type { FormName, Spec } from './spec-forms.js';

export interface UpstreamPoll extends Spec {
  /** The name of the replica: each asks under a path of its own. */
  readonly replica: string;
  /** 0 where the replica held nothing. */
  readonly sinceTime: number;
  /** By `performance.now()`. */
  readonly atMs: number;
}

const QUESTION =
  /^\/(?<replica>[\w-]+)\/(?<api>v[12])\/download_config_specs\/(?<sdkKey>[^/?]+)\.json(?:\?(?<query>.*))?$/;

/** All of them since a moment, oldest first; of one spec where one is named. */
export function pollsSince(origin: FakeOrigin, atMs: number, spec?: Spec): UpstreamPoll[] {
  const polls = origin.requests.filter((request) => request.atMs >= atMs).map(toPoll);
  if (spec === undefined) return polls;
  return polls.filter(({ sdkKey, form }) => sdkKey === spec.sdkKey && form === spec.form);
}

function toPoll({ url, atMs }: FakeOrigin['requests'][number]): UpstreamPoll {
  const { replica, api, sdkKey, query } = QUESTION.exec(url)?.groups ?? {};
  if (replica === undefined || sdkKey === undefined) throw new Error(`no replica asks like that: ${url}`);
  const search = new URLSearchParams(query);
  const form = (search.get('supports_proto') === 'true' ? 'protobuf' : api) as FormName;
  return { replica, sdkKey, form, sinceTime: Number(search.get('sinceTime')), atMs };
}

/** The longest time without a poll, from the first of them to the last. */
export function longestGapMs(polls: readonly UpstreamPoll[]): number {
  const gaps = polls.slice(1).map((poll, index) => poll.atMs - (polls[index]?.atMs ?? NaN));
  return Math.max(...gaps);
}
