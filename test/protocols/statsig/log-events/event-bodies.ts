// Bodies of log events as SDKs send them: exposures, custom events, and a batch of both.

export const MINUTE = 1_800_000_000_000 - (1_800_000_000_000 % 60_000);

export function gateExposure(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    eventName: 'statsig::gate_exposure',
    value: null,
    metadata: { gate: 'a_gate', gateValue: 'true', ruleID: 'a_rule', reason: 'Network:Recognized' },
    user: { userID: 'a-user', email: 'a@example.com', custom: { plan: 'gold' } },
    time: MINUTE + 1000,
    secondaryExposures: [],
    ...changes,
  };
}

export function configExposure(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const metadata = { config: 'a_config', ruleID: 'a_rule', rulePassed: 'true' };
  return gateExposure({ eventName: 'statsig::config_exposure', metadata, ...changes });
}

export function layerExposure(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const metadata = {
    config: 'a_layer',
    ruleID: 'a_rule',
    allocatedExperiment: 'an_experiment',
    parameterName: 'a_parameter',
    isExplicitParameter: 'true',
  };
  return gateExposure({ eventName: 'statsig::layer_exposure', metadata, ...changes });
}

export function customEvent(name = 'my_event'): Record<string, unknown> {
  return {
    eventName: name,
    value: 12.5,
    metadata: { k: 'v' },
    user: { userID: 'a-user' },
    time: MINUTE + 2000,
  };
}

export function batchText(events: readonly unknown[]): string {
  return JSON.stringify({ events, statsigMetadata: { sdkType: 'test', sdkVersion: '1' } });
}
