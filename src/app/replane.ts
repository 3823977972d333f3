// Replane as a feature: its streams from the origin connected with the core, and what is known of them.
import { readInstruments as to } from '../observability/instruments.js';
import type { ProjectFeeds } from '../protocols/replane/origin/project-feeds.js';
import type { Core } from './core.js';
import type { Feature } from './feature.js';
import type { BuiltHolds } from './holds.js';

export function connectReplane(
  { store, refresher, poller }: Core,
  { learnHolds }: Pick<BuiltHolds, 'learnHolds'>,
  feeds: ProjectFeeds | undefined,
): void {
  if (feeds === undefined) return;
  feeds.connect({ store, refresher, poller, learnHolds });
  refresher.subscribe(feeds);
  store.subscribe(feeds);
}

export function replaneFeature(feeds: ProjectFeeds | undefined): Feature {
  if (feeds === undefined) return { name: 'Replane' };
  return {
    name: 'Replane',
    readings: (write) => {
      write(to.replaneStreams, feeds.live);
    },
    status: () => ({ replane: { upstreamStreams: feeds.live } }),
  };
}
