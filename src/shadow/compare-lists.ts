// What differs between two manifests of ID lists, from round to round: the files they list, and how far each has grown.
import type { ListedFile } from '../protocols/statsig/spec-body/id-list-manifest.js';
import { both, judgeLag, withMore, type Comparison, type Difference, type Late } from './difference.js';
import { DifferenceWatch, LagWatch } from './lag.js';

type Lists = readonly ListedFile[];

export class ListComparer {
  readonly #lateMsMax: number;
  readonly #lists = new DifferenceWatch();
  /** By name and file: another file begins anew. */
  #sizes = new Map<string, LagWatch>();

  constructor(lateMsMax: number) {
    this.#lateMsMax = lateMsMax;
  }

  compare(base: Lists, against: Lists, nowMs: number): Comparison {
    const [ours, theirs] = [byId(base), byId(against)];
    const sets = this.#compareSets(ours, theirs, nowMs);
    const sizes = this.#compareSizes(ours, theirs, nowMs);
    const urls = new Set(against.map(({ url }) => url));
    const elsewhere: Difference[] = base.every(({ url }) => urls.has(url))
      ? []
      : [{ kind: 'url', detail: 'files lead elsewhere' }];
    const all = withMore(sets, [...sizes.differences, ...elsewhere]);
    return { ...all, late: sets.late ?? sizes.late };
  }

  #compareSets(
    ours: ReadonlyMap<string, unknown>,
    theirs: ReadonlyMap<string, unknown>,
    nowMs: number,
  ): Comparison {
    const lacking = [...theirs.keys()].filter((id) => !ours.has(id)).length;
    const more = [...ours.keys()].filter((id) => !theirs.has(id)).length;
    const isSame = lacking + more === 0;
    const forMs = this.#lists.observe(isSame, nowMs);
    const late: Late | undefined = isSame ? undefined : { behind: lacking > 0 ? 'base' : 'against', forMs };
    return judgeLag('lists', late, this.#lateMsMax, `base lacks ${lacking} files and has ${more} more`);
  }

  /** The list that has been behind for longest stands for all. */
  #compareSizes(
    ours: ReadonlyMap<string, ListedFile>,
    theirs: ReadonlyMap<string, ListedFile>,
    nowMs: number,
  ): Comparison {
    const watches = new Map<string, LagWatch>();
    let worst: { readonly late: Late; readonly detail: string } | undefined;
    for (const [id, { bytes }] of ours) {
      const other = theirs.get(id);
      if (other === undefined) continue;
      const watch = this.#sizes.get(id) ?? new LagWatch();
      watches.set(id, watch);
      const late = watch.observe(bytes, other.bytes, nowMs);
      if (late === undefined || late.forMs < (worst?.late.forMs ?? 0)) continue;
      worst = { late, detail: both(`${bytes} bytes of ${id}`, `${other.bytes} bytes`) };
    }
    this.#sizes = watches;
    return judgeLag('list_size', worst?.late, this.#lateMsMax, worst?.detail ?? '');
  }
}

function byId(lists: Lists): Map<string, ListedFile> {
  return new Map(lists.map((list) => [`${list.listName} ${list.fileId}`, list]));
}
