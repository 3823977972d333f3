// As much of Kubernetes' objects as the tests of the chart look at.
import assert from 'node:assert/strict';

interface Metadata {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number | string };
}

export interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[] };
  };
  readonly volumeMounts: readonly { readonly name: string }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

interface Pod {
  readonly metadata: Metadata;
  readonly spec: {
    readonly containers: readonly Container[];
    readonly securityContext: {
      readonly runAsNonRoot: boolean;
      readonly seccompProfile: { readonly type: string };
    };
    readonly terminationGracePeriodSeconds: number;
    readonly volumes?: readonly { readonly name: string }[];
  };
}

interface Workload extends KubernetesObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: Pod;
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

export interface Service extends KubernetesObject {
  readonly spec: {
    readonly clusterIP?: 'None';
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly {
      readonly name: string;
      readonly port: number;
      readonly targetPort: number | string;
    }[];
  };
}

export interface WorkloadParts {
  readonly workload: Workload;
  readonly pod: Pod;
  /** That of the proxy. */
  readonly container: Container;
}

/** The one workload of a render. */
export function podOf(objects: readonly KubernetesObject[]): WorkloadParts {
  const [workload, ...more] = objects.filter((object): object is Workload =>
    ['Deployment', 'StatefulSet'].includes(object.kind),
  );
  assert.ok(workload !== undefined && more.length === 0);
  const pod = workload.spec.template;
  const container = pod.spec.containers.find(({ name }) => name === 'spec-forward-proxy');
  assert.ok(container !== undefined);
  return { workload, pod, container };
}
