// A Replane server's own copy of its database, from which it serves SDKs: 100 ms behind, told of what changed and not of how.
import { ReplaneProject } from './replane-project.js';
import type { ReplaneOrigin } from './replane-origin.js';
import type { ReplaneDatabase, StoredConfig, StoredKey, StoredVariant } from './replane-database.js';
import { referencesIn, renderOverrides } from './rendered-overrides.js';

const STEP_MS = 100;
const STEP_CHANGES_MAX = 1_000;

export class ReplaneReplica {
  readonly #database: ReplaneDatabase;
  readonly #origin: ReplaneOrigin;
  readonly #configs = new Map<string, StoredConfig>();
  readonly #keys = new Map<string, StoredKey>();
  /** What SDKs are served, by project and environment. */
  readonly #served = new Map<string, ReplaneProject>();
  readonly #timer: NodeJS.Timeout;

  constructor(database: ReplaneDatabase, origin: ReplaneOrigin) {
    this.#database = database;
    this.#origin = origin;
    this.#timer = setInterval(() => {
      this.catchUp();
    }, STEP_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  catchUp(): void {
    while (this.#database.outbox.length > 0) this.#step();
  }

  /** What was created or updated is told before anything is deleted, whatever came first. */
  #step(): void {
    const changes = this.#database.outbox.splice(0, STEP_CHANGES_MAX);
    const gone: string[] = [];
    // A row that changed twice is read once, as it is now.
    for (const id of new Set(changes.filter(({ topic }) => topic === 'configs').map((change) => change.id))) {
      const config = this.#database.configs.get(id);
      if (config === undefined) gone.push(id);
      else this.#upsert(config);
    }
    for (const id of gone) this.#delete(id);
    for (const { topic, id } of changes) if (topic === 'sdkKeys') this.#takeKey(id);
  }

  #upsert(config: StoredConfig): void {
    if ((this.#configs.get(config.id)?.version ?? 0) >= config.version) return;
    this.#configs.set(config.id, config);
    const changed = [config, ...this.#referringTo(config)];
    for (const [environmentId, project] of this.#servedOf(config.projectId))
      for (const each of changed)
        if (each.projectId === config.projectId)
          project.setText(each.name, ...this.#texts(each, environmentId));
  }

  /** Nobody is told, neither of it nor of those that refer to it. */
  #delete(id: string): void {
    const config = this.#configs.get(id);
    if (config === undefined) return;
    this.#configs.delete(id);
    const isThereAgain = this.#configsOf(config.projectId).some(({ name }) => name === config.name);
    for (const [environmentId, project] of this.#servedOf(config.projectId)) {
      if (!isThereAgain) project.delete(config.name);
      for (const each of this.#referringTo(config))
        project.hold(each.name, ...this.#texts(each, environmentId));
    }
  }

  #takeKey(id: string): void {
    const key = this.#database.sdkKeys.get(id);
    const known = this.#keys.get(id);
    if (key !== undefined && known === undefined) {
      this.#keys.set(id, key);
      this.#origin.addKey(this.#project(key), key.token);
    } else if (key === undefined && known !== undefined) {
      this.#keys.delete(id);
      this.#origin.revoke(known.token);
    }
  }

  #project({ projectId, environmentId }: StoredKey): ReplaneProject {
    const id = `${projectId}/${environmentId}`;
    const known = this.#served.get(id);
    if (known !== undefined) return known;
    const project = new ReplaneProject();
    for (const config of this.#configsOf(projectId))
      project.hold(config.name, ...this.#texts(config, environmentId));
    this.#served.set(id, project);
    return project;
  }

  #servedOf(projectId: string): readonly (readonly [string, ReplaneProject])[] {
    const begin = `${projectId}/`;
    return [...this.#served]
      .filter(([id]) => id.startsWith(begin))
      .map(([id, project]) => [id.slice(begin.length), project] as const);
  }

  #configsOf(projectId: string): readonly StoredConfig[] {
    return [...this.#configs.values()].filter((config) => config.projectId === projectId);
  }

  #referringTo({ projectId, name }: StoredConfig): readonly StoredConfig[] {
    return this.#configsOf(projectId).filter(({ base, variants }) =>
      [base, ...variants].some(({ overrides }) =>
        referencesIn(overrides).some((to) => to.projectId === projectId && to.configName === name),
      ),
    );
  }

  #texts(config: StoredConfig, environmentId: string): readonly [string, string] {
    const { value, overrides } = variantFor(config, environmentId);
    const rendered = renderOverrides(overrides, ({ projectId, configName }) => {
      const other = this.#configsOf(projectId).find(({ name }) => name === configName);
      return other && variantFor(other, environmentId).value;
    });
    return [JSON.stringify(value), JSON.stringify(rendered)];
  }
}

function variantFor({ base, variants }: StoredConfig, environmentId: string): StoredVariant {
  return variants.find((variant) => variant.environmentId === environmentId) ?? base;
}
