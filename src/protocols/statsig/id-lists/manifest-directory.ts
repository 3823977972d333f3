// Which file an id means: found among the manifests that are held, or by asking for the one that must list it.
import { ExpiringMemory } from '../../../core/expiring-memory.js';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { Clock } from '../../../domain/clock.js';
import type { Gauges } from '../../../observability/gauges.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { ID_LISTS, idListsKey } from '../resource-kinds.js';
import { hashSdkKey, isValidSdkKey } from '../../../domain/sdk-key.js';
import { toRoute } from '../../../servers/http/route-path.js';
import { FILE_PATH, readFileId, toKeyHash } from './file-id.js';
import type { IdListFile } from './id-list-file.js';
import type { ManifestFile, ManifestFiles } from './manifest-files.js';

/** SDKs ask for what a manifest listed a while ago: they got it up to a minute before, and may be slow. */
const RETIRED_MS = 600_000;
const RETIRED_ENTRIES_MAX = 10_000;
/** A manifest that does not list what a client wants may be older than the client's: it is asked for anew so often. */
const ASK_AGAIN_MS = 5_000;
const ASKED_ENTRIES_MAX = 10_000;

/** Where manifests come from. */
export interface ManifestSource {
  /** Held, or fetched where it is not; resolves once that is known. */
  read(key: PayloadKey): unknown;
  /** Asks the origin. */
  refresh(key: PayloadKey): Promise<unknown>;
}

/** What a client names. */
export interface AskedFile {
  /** The path after FILE_PATH as it came, percent-encoded. */
  readonly id: string;
  /** The query as it came, with its question mark, or empty. */
  readonly search: string;
  /** Some SDKs name their key in a header. */
  readonly sdkKey: string | undefined;
}

export interface FoundFile {
  readonly file: IdListFile;
  /** What the client was promised. */
  readonly bytesMin: number;
}

interface KnownFile {
  readonly listed: ManifestFile;
  /** SDK keys whose manifests list it. */
  readonly holders: Set<string>;
}

export class ManifestDirectory {
  readonly #source: ManifestSource;
  readonly #files: ManifestFiles;
  readonly #listed: (file: IdListFile, bytes: number) => void;
  /** By SDK key. */
  readonly #manifests = new Map<string, readonly ManifestFile[]>();
  readonly #byName = new Map<string, KnownFile>();
  /** Names by the paths of the origin's urls. */
  readonly #byPath = new Map<string, Set<string>>();
  readonly #retired: ExpiringMemory<ManifestFile>;
  /** SDK keys of which anything is held, by their hashes, with how many payloads. */
  readonly #keys = new Map<string, { readonly sdkKey: string; payloads: number }>();
  /** Questions to the origin, on their way or lately answered, by SDK key. */
  readonly #asked: ExpiringMemory<{ readonly answered: Promise<void> }>;

  /** `listed` is called for every file of every new version of a manifest. */
  constructor(
    clock: Clock,
    source: ManifestSource,
    files: ManifestFiles,
    listed: (file: IdListFile, bytes: number) => void,
  ) {
    this.#source = source;
    this.#files = files;
    this.#listed = listed;
    this.#retired = new ExpiringMemory(clock, RETIRED_ENTRIES_MAX);
    this.#asked = new ExpiringMemory(clock, ASKED_ENTRIES_MAX);
  }

  /** A payload of any kind is held from now on: its key is known. */
  added({ sdkKey }: PayloadKey): void {
    const keyHash = toKeyHash(hashSdkKey(sdkKey));
    const known = this.#keys.get(keyHash);
    if (known === undefined) this.#keys.set(keyHash, { sdkKey, payloads: 1 });
    else known.payloads += 1;
  }

  /** A new version is held; payloads that are not manifests are ignored. */
  updated(held: HeldPayload): void {
    const { sdkKey, kind } = held.key;
    if (kind !== ID_LISTS) return;
    const before = this.#manifests.get(sdkKey) ?? [];
    const now = this.#files.of(held);
    this.#manifests.set(sdkKey, now);
    for (const listed of now) this.#enter(sdkKey, listed);
    const names = new Set(now.map(({ file }) => file.name));
    for (const listed of before) if (!names.has(listed.file.name)) this.#leave(sdkKey, listed);
    for (const { file, bytes } of now) this.#listed(file, bytes);
  }

  removed({ sdkKey, kind }: PayloadKey): void {
    const keyHash = toKeyHash(hashSdkKey(sdkKey));
    const known = this.#keys.get(keyHash);
    if (known !== undefined && (known.payloads -= 1) === 0) this.#keys.delete(keyHash);
    if (kind !== ID_LISTS) return;
    for (const listed of this.#manifests.get(sdkKey) ?? []) this.#leave(sdkKey, listed);
    this.#manifests.delete(sdkKey);
  }

  /** Undefined where no manifest that can be had lists it. Never rejects. */
  async find(asked: AskedFile): Promise<FoundFile | undefined> {
    const found = this.#look(asked);
    const sdkKey = found === undefined ? this.#keyOf(asked) : undefined;
    if (sdkKey === undefined) return found;
    if (!this.#manifests.has(sdkKey)) await this.#source.read(idListsKey(sdkKey));
    return this.#look(asked) ?? (await this.#lookAgain(asked, sdkKey));
  }

  /** Files that were listed until a while ago, against their limit. */
  get gauges(): Gauges {
    return { idListFilesRetired: { entries: this.#retired.entries, entriesMax: RETIRED_ENTRIES_MAX } };
  }

  get entries(): number {
    return this.#byName.size;
  }

  async #lookAgain(asked: AskedFile, sdkKey: string): Promise<FoundFile | undefined> {
    if (!this.#manifests.has(sdkKey)) return undefined;
    await (this.#asked.recall(sdkKey)?.value.answered ?? this.#ask(sdkKey));
    return this.#look(asked);
  }

  /** SDKs fetch all files of a new manifest at one time: they wait for the same answer. */
  #ask(sdkKey: string): Promise<void> {
    // Without the answer itself, which would be remembered too.
    const answered = this.#source.refresh(idListsKey(sdkKey)).then(() => undefined);
    this.#asked.remember(sdkKey, { answered }, ASK_AGAIN_MS);
    return answered;
  }

  #look(asked: AskedFile): FoundFile | undefined {
    const { id, search } = asked;
    const own = readFileId(id);
    if (own !== undefined) {
      const listed = this.#byName.get(own.name)?.listed ?? this.#retired.recall(own.name)?.value;
      return listed && { file: listed.file, bytesMin: own.bytes };
    }
    const names = [...(this.#byPath.get(decode(FILE_PATH + id)) ?? [])];
    const known = names.flatMap((name) => this.#byName.get(name) ?? []);
    const ofQuery = known.filter(({ listed }) => listed.search === search);
    const sdkKey = namedKey(asked);
    const ofKey = known.filter(({ holders }) => sdkKey !== undefined && holders.has(sdkKey));
    // Where a url has a signature, the path alone proves nothing.
    const ofPath = known.filter(({ listed }) => listed.search === '');
    // An ambiguous id matches no file.
    const [one] = [ofQuery, ofKey, ofPath].find(({ length }) => length === 1) ?? [];
    return one && { file: one.listed.file, bytesMin: one.listed.bytes };
  }

  /** Whose manifest would list the file, as far as the id or the client tells. */
  #keyOf(asked: AskedFile): string | undefined {
    const named = namedKey(asked);
    const own = readFileId(asked.id);
    if (own === undefined) return named;
    if (named !== undefined && toKeyHash(hashSdkKey(named)) === own.keyHash) return named;
    return this.#keys.get(own.keyHash)?.sdkKey;
  }

  #enter(sdkKey: string, listed: ManifestFile): void {
    const { name } = listed.file;
    const holders = this.#byName.get(name)?.holders ?? new Set();
    // The newest word of where it is and how large.
    this.#byName.set(name, { listed, holders: holders.add(sdkKey) });
    const path = decode(toRoute(listed.path));
    if (path.startsWith(FILE_PATH)) this.#byPath.set(path, (this.#byPath.get(path) ?? new Set()).add(name));
  }

  #leave(sdkKey: string, listed: ManifestFile): void {
    const { name } = listed.file;
    const known = this.#byName.get(name);
    if (known === undefined) return;
    known.holders.delete(sdkKey);
    if (known.holders.size > 0) return;
    this.#byName.delete(name);
    this.#retired.remember(name, listed, RETIRED_MS);
    const path = decode(toRoute(listed.path));
    const names = this.#byPath.get(path);
    if (names?.delete(name) === true && names.size === 0) this.#byPath.delete(path);
  }
}

/** The origin puts the key into its urls, as `k`: a client that uses such a url sends it along. */
function namedKey({ search, sdkKey }: AskedFile): string | undefined {
  const named = sdkKey ?? new URLSearchParams(search).get('k') ?? '';
  return isValidSdkKey(named) ? named : undefined;
}

/** Clients write the same path with and without escapes. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // No escapes, then: it is what it is.
    return path;
  }
}
