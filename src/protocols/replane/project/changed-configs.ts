// What a client has to be told so that it has one project instead of another: the frames of the configs that changed.
import type { Payload } from '../../../domain/payload.js';
import { changeFrame } from './frames.js';
import { projectOf } from './project.js';

/** By name, the mark of each config that a client was sent. Holds no bytes: a slow client keeps no former project in memory. */
export type SentMarks = ReadonlyMap<string, string>;

interface Difference {
  readonly to: Payload;
  readonly frames: readonly Buffer[];
}

/** The same object for every client that was sent the same project. */
const marks = new WeakMap<Payload, SentMarks>();
/** The last difference from each project that clients have: most of them have the same one. */
const differences = new WeakMap<SentMarks, Difference>();

export function marksOf(payload: Payload): SentMarks {
  const known = marks.get(payload);
  if (known !== undefined) return known;
  const made = new Map([...projectOf(payload).configs].map(([name, { mark }]) => [name, mark]));
  marks.set(payload, made);
  return made;
}

/** One frame for each config that is new or changed. Of those that are gone nothing can be told: SDKs know no word for it. */
export function changesSince(sent: SentMarks, to: Payload): readonly Buffer[] {
  const known = differences.get(sent);
  if (known?.to === to) return known.frames;
  const changed = [...projectOf(to).configs.values()].filter(({ name, mark }) => sent.get(name) !== mark);
  const frames = changed.map(changeFrame);
  differences.set(sent, { to, frames });
  return frames;
}
