// Pinned keys: whether the origin serves each of them, refuses it, or cannot be reached.
import type { PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { isInFuture } from '../domain/version.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';
import { remedyFor } from './origin-check.js';
import type { Answer, TriedPayload } from './tried-keys.js';

export async function checkKeys(
  patient: Pick<Patient, 'config' | 'clock' | 'tried'>,
): Promise<readonly Finding[]> {
  const pinned = patient.config.pinnedSdkKeys.size;
  if (pinned === 0) return [pass('no SDK key is pinned, so none was tried')];
  const { payloads, keysTried } = await patient.tried();
  const byKey = new Map<string, TriedPayload[]>();
  for (const tried of payloads) {
    byKey.set(tried.key.sdkKey, [...(byKey.get(tried.key.sdkKey) ?? []), tried]);
  }
  const nowMs = patient.clock.nowMs();
  const findings = [...byKey].flatMap(([sdkKey, tried]) => judge(maskSdkKey(sdkKey), tried, nowMs));
  const rest = pinned - keysTried;
  return rest === 0 ? findings : [...findings, pass(`${rest} more pinned keys were not tried`)];
}

/** Payloads with the same answer share a finding. */
function judge(name: string, tried: readonly TriedPayload[], nowMs: number): readonly Finding[] {
  const groups = new Map<string, { readonly judge: (whats: string) => Finding; readonly whats: string[] }>();
  for (const { key, outcome } of tried) {
    const [id, about] = judgeAnswer(name, outcome, nowMs);
    const what = outcome.kind === 'updated' ? `${nameOf(key)} of ${time(outcome.version)}` : nameOf(key);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { judge: about, whats: [what] });
    else group.whats.push(what);
  }
  return [...groups.values()].map((group) => group.judge(group.whats.join(', ')));
}

/** A text that is the same for the same answer, and the finding about payloads that were answered so. */
function judgeAnswer(
  name: string,
  outcome: Answer,
  nowMs: number,
): readonly [id: string, about: (whats: string) => Finding] {
  switch (outcome.kind) {
    case 'updated':
      if (!isInFuture(outcome.version, nowMs)) return ['good', (whats) => pass(`${name}: ${whats}`)];
      return [
        'future',
        (whats) =>
          warn(
            `${name}: ${whats}: over a day in the future`,
            "Correct this machine's clock, or the time that the origin states.",
          ),
      ];
    case 'unchanged':
      return ['good', (whats) => pass(`${name}: ${whats}`)];
    case 'unauthorized':
      return [
        `refused ${outcome.status}`,
        (whats) =>
          fail(
            `${name}: the origin refuses it for ${whats} (HTTP status ${outcome.status})`,
            'The key was revoked, is mistyped, or belongs to another origin: replace it.',
          ),
      ];
    case 'failed':
      return [
        `${outcome.reason} ${outcome.detail}`,
        (whats) =>
          fail(`${name}: ${whats}: ${outcome.reason} (${outcome.detail})`, remedyFor(outcome.reason)),
      ];
  }
}

function nameOf({ kind, format }: PayloadKey): string {
  return kind.formats.length > 1 ? `${kind.name} ${format}` : kind.name;
}

/** An origin may state any number that is safe. */
function time(version: number): string {
  const date = new Date(version);
  return Number.isNaN(date.getTime()) ? String(version) : date.toISOString();
}
