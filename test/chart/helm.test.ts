// The chart as helm renders it: what is kept of each values file, what is refused, and helm's own lint.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import {
  CHART,
  GOLDEN,
  MANIFESTS,
  render,
  renderManifests,
  VALUES,
  valuesNames,
} from '../../scripts/chart/render.js';
import { goToolPath, HELM, whyNoGoTool } from '../../scripts/go-tools.js';

const helm = goToolPath(HELM, process.env) ?? '';
const skip = whyNoGoTool(HELM, process.env);

interface Monitoring {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec?: { readonly groups: readonly unknown[] };
  readonly data?: Readonly<Record<string, string>>;
}

describe('helm renders the chart', { skip }, () => {
  for (const name of valuesNames()) {
    it(`with ${name}.yaml as kept, without a warning`, () => {
      const { yaml, errors } = render(helm, ['--values', `${VALUES}/${name}.yaml`]);
      assert.equal(errors, '');
      assert.equal(yaml, readFileSync(`${GOLDEN}/${name}.yaml`, 'utf8'), 'run `npm run chart:golden`');
    });
  }

  it('into the manifests for those without Helm', () => {
    const { yaml, errors } = renderManifests(helm);
    assert.equal(errors, '');
    assert.equal(yaml, readFileSync(MANIFESTS, 'utf8'), 'run `npm run chart:golden`');
    assert.doesNotMatch(yaml, /helm/i);
  });
});

describe('helm takes over from deploy', { skip }, () => {
  it('the alerts, about the job that the ServiceMonitor makes, and both boards', () => {
    const sets = [
      'prometheusRule.enabled=true',
      'prometheusRule.labels.release=prometheus',
      'prometheusRule.groups[0].name=more',
      'dashboards.enabled=true',
      'dashboards.statsd=true',
      'dashboards.annotations.folder=Statsig',
    ];
    const { yaml = '', errors } = render(helm, [
      '--show-only',
      'templates/monitoring.yaml',
      '--set',
      sets.join(','),
    ]);
    assert.equal(errors, '');
    const [board, rule, ...more] = parseAllDocuments(yaml).map((document) => document.toJS() as Monitoring);
    assert.equal(more.length, 0);
    assert.equal(rule?.metadata.labels['release'], 'prometheus');
    const job = 'job="statsig/proxy-spec-forward-proxy"';
    const rules = readFileSync('deploy/prometheus/rules.yaml', 'utf8').replaceAll(
      'job="spec-forward-proxy"',
      job,
    );
    assert.ok(rules.includes(`up{${job}}`));
    const { groups } = parse(rules) as { readonly groups: readonly unknown[] };
    assert.deepEqual(rule.spec?.groups, [...groups, { name: 'more' }]);
    assert.equal(board?.metadata.labels['grafana_dashboard'], '1');
    for (const ending of ['', '-statsd']) {
      assert.equal(
        board.data?.[`proxy-spec-forward-proxy${ending}.json`],
        readFileSync(`deploy/grafana/spec-forward-proxy${ending}.json`, 'utf8'),
      );
    }
  });
});

describe('helm refuses', { skip }, () => {
  const refused: readonly (readonly [what: string, sets: readonly string[], message: RegExp])[] = [
    ['a value that the chart does not have', ['replicas=2'], /replicas/],
    ['a value of another type', ['replicaCount=many'], /replicaCount/],
    ['an unknown key of sfp', ['sfp.arguments={http}'], /arguments/],
    ['a grace period that a stop does not fit into', ['shutdownDelaySeconds=50'], /must be more than/],
    ['TLS without a certificate', ['tls.enabled=true'], /tls.existingSecret/],
    [
      'mTLS beside ports without TLS',
      ['tls.enabled=true', 'tls.existingSecret=a', 'tls.clientCertificates=required', 'tls.plainToo=true'],
      /plainToo must be false/,
    ],
    [
      'a certificate without an issuer',
      ['tls.enabled=true', 'tls.certManager.enabled=true'],
      /issuerRef\.name/,
    ],
    ['a route without a Gateway', ['httpRoute.enabled=true'], /httpRoute\.parentRefs/],
    [
      'a route for what MODE does not serve',
      ['grpcRoute.enabled=true', 'grpcRoute.parentRefs[0].name=a'],
      /MODE "http" does not serve it/,
    ],
  ];
  for (const [what, sets, message] of refused) {
    it(what, () => {
      const { yaml, errors } = render(helm, ['--set', sets.join(',')]);
      assert.equal(yaml, undefined);
      assert.match(errors, message);
    });
  }
});

/** The only way to see the notes without a cluster: as an object that the chart renders. */
const NOTES = JSON.stringify([
  '{"kind": "Notes", "text": {{ include "spec-forward-proxy.notes" . | toJson }}}',
]);

describe('the notes say', { skip }, () => {
  const said: readonly (readonly [what: string, sets: string, message: RegExp])[] = [
    [
      'how to reach each port',
      'sfp.args={grpc-and-http,disabled}',
      /HTTP: {2}http:\/\/proxy-spec-forward-proxy\.statsig\.svc:8000\/v1\ngRPC: .*:50051\n/,
    ],
    [
      'which fields of a container are left out',
      'securityContext.fsGroup=1',
      /Left out: fsGroup of security/,
    ],
    [
      'which of two budgets counts',
      'pod.pdb.enabled=true,pod.pdb.minAvailable=1,pod.pdb.maxUnavailable=0',
      /Left out: pod\.pdb\.minAvailable/,
    ],
    ['that Redis is not used', 'redis.host=a', /Not used: redis\.host/],
    ['what autoscaling needs', 'autoscaling.enabled=true', /needs resources\.requests/],
    ['which job the alerts need', 'prometheusRule.enabled=true', /job statsig\/proxy-spec-forward-proxy/],
    [
      'which ports a certificate closes',
      'sfp.args={http,disabled,--x509-server-cert-path,a}',
      /8000 and 50051 stay closed/,
    ],
  ];
  for (const [what, sets, message] of said) {
    it(what, () => {
      const args = [
        '--show-only',
        'templates/extra.yaml',
        '--set-json',
        `extraObjects=${NOTES}`,
        '--set',
        sets,
      ];
      const { yaml = '', errors } = render(helm, args);
      assert.equal(errors, '');
      const { text } = parse(yaml) as { readonly text: string };
      assert.match(text, /helm test proxy --namespace statsig/);
      assert.match(text, message);
    });
  }
});

describe('helm lint --strict', { skip }, () => {
  for (const name of ['default', 'everything']) {
    it(`has nothing to say of the chart with ${name}.yaml`, () => {
      const args = ['lint', '--strict', '--quiet', CHART, '--values', `${VALUES}/${name}.yaml`];
      const { status, stdout, stderr } = spawnSync(helm, args, { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, ''], stdout);
    });
  }
});
