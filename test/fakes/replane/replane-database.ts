// What a Replane server keeps in PostgreSQL, as far as its own test suite uses it, and the outbox that tells its replica of changes.
import { randomBytes, randomUUID } from 'node:crypto';
import type { StoredOverride } from './rendered-overrides.js';

export interface StoredVariant {
  readonly value: unknown;
  readonly overrides: readonly StoredOverride[];
}

export interface StoredConfig {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  /** 1 when it was created, also where a config of this name was deleted before. */
  readonly version: number;
  readonly base: StoredVariant;
  readonly variants: readonly (StoredVariant & { readonly environmentId: string })[];
}

export type ConfigFields = Pick<StoredConfig, 'base' | 'variants'>;

export interface StoredKey {
  readonly id: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly token: string;
}

export interface Environment {
  readonly id: string;
  readonly name: string;
  readonly order: number;
}

interface Project {
  readonly workspaceId: string;
  readonly name: string;
  readonly environments: readonly Environment[];
}

/** One row of the outbox: what changed, not how. */
export interface Change {
  readonly topic: 'configs' | 'sdkKeys';
  readonly id: string;
}

/** Said to whoever asked. */
export class Refusal extends Error {
  readonly status: 400 | 404;

  constructor(status: 400 | 404, message: string) {
    super(message);
    this.status = status;
  }
}

export class ReplaneDatabase {
  readonly configs = new Map<string, StoredConfig>();
  readonly sdkKeys = new Map<string, StoredKey>();
  /** The oldest first. */
  readonly outbox: Change[] = [];
  readonly #workspaces = new Set<string>();
  readonly #projects = new Map<string, Project>();

  createWorkspace(): string {
    const id = randomUUID();
    this.#workspaces.add(id);
    return id;
  }

  deleteWorkspace(id: string): void {
    if (!this.#workspaces.delete(id)) throw new Refusal(404, 'Workspace not found');
    for (const projectId of this.#projectsOf(id)) this.#dropProject(projectId);
  }

  createProject(workspaceId: string, name: string): string {
    if (!this.#workspaces.has(workspaceId)) throw new Refusal(404, 'Workspace not found');
    if (this.#projectsOf(workspaceId).some((id) => this.#projects.get(id)?.name === name))
      throw new Refusal(400, 'Project with this name already exists');
    const environments = ['Production', 'Development'].map((environment, index) => ({
      id: randomUUID(),
      name: environment,
      order: index + 1,
    }));
    const id = randomUUID();
    this.#projects.set(id, { workspaceId, name, environments });
    return id;
  }

  deleteProject(id: string): void {
    const { workspaceId } = this.#project(id);
    if (this.#projectsOf(workspaceId).length === 1)
      throw new Refusal(400, 'Cannot delete the last remaining project in this workspace');
    this.#dropProject(id);
  }

  environments(projectId: string): readonly Environment[] {
    return this.#project(projectId).environments;
  }

  configsOf(projectId: string): readonly StoredConfig[] {
    this.#project(projectId);
    return [...this.configs.values()].filter((config) => config.projectId === projectId);
  }

  createConfig(projectId: string, name: string, fields: ConfigFields): StoredConfig {
    if (this.configsOf(projectId).some((config) => config.name === name))
      throw new Refusal(400, 'Config with this name already exists');
    return this.#store({ id: randomUUID(), projectId, name, version: 1, ...fields });
  }

  updateConfig(projectId: string, name: string, fields: ConfigFields): StoredConfig {
    const config = this.config(projectId, name);
    return this.#store({ ...config, ...fields, version: config.version + 1 });
  }

  deleteConfig(projectId: string, name: string): void {
    const { id } = this.config(projectId, name);
    this.configs.delete(id);
    this.outbox.push({ topic: 'configs', id });
  }

  config(projectId: string, name: string): StoredConfig {
    const config = this.configsOf(projectId).find((candidate) => candidate.name === name);
    if (config === undefined) throw new Refusal(404, 'Config not found');
    return config;
  }

  createKey(projectId: string, environmentId: string): StoredKey {
    if (!this.environments(projectId).some(({ id }) => id === environmentId))
      throw new Refusal(400, 'Environment not found');
    const id = randomUUID();
    const token = `rp_${randomBytes(24).toString('hex')}${id.replaceAll('-', '')}`;
    const key = { id, projectId, environmentId, token };
    this.sdkKeys.set(id, key);
    this.outbox.push({ topic: 'sdkKeys', id });
    return key;
  }

  deleteKey(projectId: string, id: string): void {
    if (this.sdkKeys.get(id)?.projectId !== projectId) throw new Refusal(404, 'SDK key not found');
    this.#dropKey(id);
  }

  #store(config: StoredConfig): StoredConfig {
    this.configs.set(config.id, config);
    this.outbox.push({ topic: 'configs', id: config.id });
    return config;
  }

  #dropKey(id: string): void {
    this.sdkKeys.delete(id);
    this.outbox.push({ topic: 'sdkKeys', id });
  }

  #dropProject(id: string): void {
    for (const { name } of this.configsOf(id)) this.deleteConfig(id, name);
    for (const key of this.sdkKeys.values()) if (key.projectId === id) this.#dropKey(key.id);
    this.#projects.delete(id);
  }

  #project(id: string): Project {
    const project = this.#projects.get(id);
    if (project === undefined) throw new Refusal(404, 'Project not found');
    return project;
  }

  #projectsOf(workspaceId: string): readonly string[] {
    return [...this.#projects].filter(([, project]) => project.workspaceId === workspaceId).map(([id]) => id);
  }
}
