// A spec in a table: what its rows are known by, and the cell that leads to it.
import type { SpecName } from '../api.js';
import { h, link, type Child } from '../element.js';
import { routeOf } from '../key-names.js';

export function specKey({ keyHash, api, format }: SpecName): string {
  return `${keyHash}/${api}/${format}`;
}

/** `name`: of its SDK key, for people; `more`: what is said of it beside its API and format. */
export function specCell(spec: SpecName, name: string, more = ''): Child {
  return [
    link(routeOf(spec), {}, h('bdi', {}, name)),
    h('span', { class: 'faint' }, `${spec.api} ${spec.format}${more}`),
  ];
}
