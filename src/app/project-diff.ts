// The difference of two versions of a Replane project, in the form that specs have it: overrides stand in the place of rules.
import type { Payload } from '../domain/payload.js';
import { membersOf, type Slice } from '../json/json-slices.js';
import { hasSameMembers } from '../protocols/replane/project/config-slice.js';
import { projectOf, type ProjectConfig } from '../protocols/replane/project/project.js';
import { diffSpecs, TEXT_CHARACTERS_MAX, type SpecDiff } from '../protocols/statsig/spec-diff/spec-diff.js';
import type { SpecItem } from '../protocols/statsig/spec-diff/spec-item.js';

/** Of the value or the overrides of one config; what is larger is compared by its text, of which the beginning is shown. */
const PARSED_BYTES_MAX = 64 * 1024;

/** On this thread: of a hundred configs at most anything is parsed. */
export function diffProjects(before: Payload, after: Payload): SpecDiff {
  const [former, now] = [projectOf(before).configs, projectOf(after).configs];
  const items = (configs: Iterable<ProjectConfig>): ReadonlyMap<string, SpecItem> =>
    new Map([...configs].map((config) => [config.name, new ConfigItem(config, former.get(config.name))]));
  return diffSpecs(items(former.values()), items(now.values()));
}

/** Parsed only where it is shown. */
class ConfigItem implements SpecItem {
  readonly group = 'configs';
  readonly name: string;
  readonly identity: string;
  readonly #raw: Buffer;

  constructor({ name, raw, mark }: ProjectConfig, former: ProjectConfig | undefined) {
    this.name = name;
    this.identity = former !== undefined && hasSameMembers(former.raw, raw) ? former.mark : mark;
    this.#raw = raw;
  }

  get fields(): Readonly<Record<string, unknown>> {
    const others = [...this.#members].filter(([member]) => member !== 'name' && member !== 'overrides');
    const fields = others.map(([member, slice]) => [member, this.#read(slice)] as const);
    const overrides = this.#overrides;
    return Object.fromEntries(
      Array.isArray(overrides) ? fields : [...fields, ['overrides', overrides] as const],
    );
  }

  /** By their names, which is what rules have ids for. */
  get rules(): readonly Readonly<Record<string, unknown>>[] {
    const overrides = this.#overrides;
    if (!Array.isArray(overrides)) return [];
    return (overrides as unknown[]).map((override) => {
      if (typeof override !== 'object' || override === null) return { override };
      const { name, ...others } = override as Readonly<Record<string, unknown>>;
      return { id: name, ...others };
    });
  }

  get #overrides(): unknown {
    const slice = this.#members.get('overrides');
    return slice && this.#read(slice);
  }

  /** None where only a parser could tell them: the config is then said to differ, and not shown. */
  get #members(): ReadonlyMap<string, Slice> {
    return membersOf(this.#raw, 0) ?? new Map<string, Slice>();
  }

  #read({ from, to }: Slice): unknown {
    if (to - from <= PARSED_BYTES_MAX) return JSON.parse(this.#raw.toString('utf8', from, to));
    return `${this.#raw.toString('utf8', from, from + TEXT_CHARACTERS_MAX)}…`;
  }
}
