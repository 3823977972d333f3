// Which tags an image gets, as statsig-forward-proxy names its own: by the version, by the moment its commit landed, or by the day.
export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export const VARIANTS = ['slim', 'distroless'] as const;
type Architecture = (typeof ARCHITECTURES)[number];
export type Variant = (typeof VARIANTS)[number];

export type Occasion =
  /** A commit came to main. `isNewest`: no other has come since. */
  | { readonly kind: 'main'; readonly isNewest: boolean }
  /** The branch as it is at midnight, UTC. */
  | { readonly kind: 'nightly'; readonly nowMs: number }
  /** `released`: every version there is, this one among them. */
  | { readonly kind: 'release'; readonly version: string; readonly released: readonly string[] };

export interface Commit {
  /** 40 hexadecimal digits. */
  readonly sha: string;
  readonly committedMs: number;
}

export interface ImageTags {
  /** The one that never moves to another commit: what the image says its version is. */
  readonly version: string;
  /** Of the manifest that has every architecture. */
  readonly all: readonly string[];
  /** Of single images. */
  readonly single: Readonly<Record<Architecture, readonly string[]>>;
}

export function imageTags(commit: Commit, occasion: Occasion, variant: Variant): ImageTags {
  // The tags of `slim` are those of an image that has no variants.
  const named = (tag: string): string => (variant === 'slim' ? tag : `${tag}-${variant}`);
  const { version, all, single = (): string[] => [] } = bareTags(commit, occasion);
  return {
    version,
    all: all.map(named),
    single: { amd64: single('amd64').map(named), arm64: single('arm64').map(named) },
  };
}

interface BareTags {
  readonly version: string;
  readonly all: readonly string[];
  readonly single?: (architecture: Architecture) => readonly string[];
}

function bareTags({ sha, committedMs }: Commit, occasion: Occasion): BareTags {
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Error(`"${sha}" is not the hash of a commit`);
  const commit = sha.slice(0, 12);
  switch (occasion.kind) {
    case 'main': {
      const version = `${digits(committedMs).slice(0, 12)}-${commit}`;
      return { version, all: occasion.isNewest ? ['latest', version] : [version] };
    }
    case 'nightly': {
      // SFP's README calls the order DDMMYY; its example, 240404-1ffdf554b54b for the fourth of April 2024, begins with the year.
      const version = `${digits(occasion.nowMs).slice(0, 6)}-${commit}`;
      return { version, all: [version] };
    }
    case 'release': {
      const { version, released } = occasion;
      const mine = partsOf(version);
      const isHighest = released.every((other) => compare(partsOf(other), mine) <= 0);
      return {
        version,
        // A repair of an older release leaves `stable` where it is.
        all: isHighest ? ['stable', `stable-${version}`] : [`stable-${version}`],
        single: (architecture) => [`stable-${architecture}-${version}`],
      };
    }
  }
}

/** YYMMDDHHmmss, UTC. */
function digits(ms: number): string {
  return new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
}

function partsOf(version: string): readonly number[] {
  if (!/^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}$/.test(version))
    throw new Error(`"${version}" is not a release: MAJOR.MINOR.PATCH`);
  return version.split('.').map(Number);
}

function compare(left: readonly number[], right: readonly number[]): number {
  const differing = left.findIndex((part, index) => part !== right[index]);
  return differing < 0 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}
