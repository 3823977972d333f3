// Several origins as one: which of them is asked depends on the payload's API.
import { ID_LISTS } from '../resource-kinds.js';
import type { Origin } from '../../../core/origin.js';

export function createOriginByApi(specs: Origin, idLists: Origin): Origin {
  return {
    fetch: (key, sinceTime, wanted) =>
      (key.kind === ID_LISTS ? idLists : specs).fetch(key, sinceTime, wanted),
    close: async () => {
      await Promise.all([specs.close(), idLists.close()]);
    },
  };
}
