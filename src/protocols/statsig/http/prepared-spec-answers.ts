// Answers about specs that are held, for the fast lane: the ordinary request for one, and nothing else.
import { ownCopy } from '../../../domain/own-copy.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { BodyForm, FormEncoding } from '../../../domain/payload.js';
import type { ResourceKind } from '../../../domain/resource-kind.js';
import type { HeldPayload } from '../../../core/payload-store.js';
import { CLIENT_HEADERS } from '../../../servers/http/answered-request.js';
import type { PreparedAnswers } from '../../../servers/http/fast-lane/fast-lane.js';
import type { FoundAnswer } from '../../../servers/http/fast-lane/lane-exchange.js';
import { PreparedAnswer, type Headers } from '../../../servers/http/fast-lane/prepared-answer.js';
import type { RequestHead } from '../../../servers/http/fast-lane/request-head.js';
import { SESSION_HEADER, type ClientCensus } from '../clients/client-census.js';
import { NO_UPDATES } from '../no-updates.js';
import { SPEC_KINDS } from '../resource-kinds.js';
import { OPEN_TO_BROWSERS } from '../../../servers/http/browser-access.js';
import {
  ageS,
  chooseAnswer,
  formHeaders,
  NO_UPDATES_HEADERS,
  versionHeaders,
  wholeHeaders,
  type Choice,
} from './payload-answer.js';
import { toQuestion } from './request-key.js';

/** Payloads that are held; reading one counts as asking for it. */
export interface HeldSpecs {
  held(key: PayloadKey): HeldPayload | undefined;
}

const KEY_HEADER = 'statsig-api-key';
const PROTO_HEADER = 'statsig-supports-proto';
/** A path as SDKs write it, and a query of words and numbers: nothing in either is escaped. */
const TARGET = /^(\/v[12]\/download_config_specs)(?:\/([\w\-.~]+))?(?:\?([\w\-.=&]+))?$/;
/** Different questions that are remembered: each SDK asks the same one until a new version comes. */
const QUESTIONS_MAX = 4_096;

interface Asked {
  readonly keyHeader: string | undefined;
  readonly protoHeader: string | undefined;
  readonly key: PayloadKey;
  readonly sinceTime: number;
}

interface Prepared {
  readonly ageS: number;
  readonly answer: PreparedAnswer;
}

const KIND_OF_PATH: ReadonlyMap<string, ResourceKind> = new Map(SPEC_KINDS.map((kind) => [kind.path, kind]));
const NO_UPDATES_BODY = Buffer.from(NO_UPDATES);

export class PreparedSpecAnswers implements PreparedAnswers {
  readonly names = {
    wanted: [KEY_HEADER, PROTO_HEADER, SESSION_HEADER, ...CLIENT_HEADERS],
    // The routes take note of proxies in front of this one.
    refused: ['if-none-match', 'via'],
  };
  readonly #specs: HeldSpecs;
  readonly #census: Pick<ClientCensus, 'polled'>;
  readonly #questions = new Map<string, Asked>();
  /** By the form that is sent, or the payload where none is: a form that its payload lets go of takes its answer with it. */
  readonly #prepared = new WeakMap<BodyForm<FormEncoding> | HeldPayload, Prepared>();

  constructor(specs: HeldSpecs, census: Pick<ClientCensus, 'polled'>) {
    this.#specs = specs;
    this.#census = census;
  }

  find(head: RequestHead, nowMs: number): FoundAnswer | undefined {
    const known = this.#known(head);
    const asked = known ?? read(head);
    if (asked === undefined) return undefined;
    const held = this.#specs.held(asked.key);
    if (held === undefined) return undefined;
    // Only what is about a held payload is worth its place, and only now: invented keys leave no trace.
    if (known === undefined) this.#remember(head, { ...asked, key: held.key });
    const wishes = {
      sinceTime: asked.sinceTime,
      acceptEncoding: head.header('accept-encoding'),
    };
    const choice = chooseAnswer(held, wishes, nowMs);
    const answer = this.#prepare(held, choice);
    // Else the routes answer, and count it.
    if (answer === undefined) return undefined;
    const [session, type] = [head.header(SESSION_HEADER), head.header('statsig-sdk-type')];
    const version = head.header('statsig-sdk-version');
    this.#census.polled(held, asked.sinceTime, choice !== 'no_updates', session, type, version);
    return { answer, path: held.key.kind.path, sdkKey: held.key.sdkKey };
  }

  #known(head: RequestHead): Asked | undefined {
    const asked = this.#questions.get(head.target);
    const isSame =
      asked?.keyHeader === head.header(KEY_HEADER) && asked?.protoHeader === head.header(PROTO_HEADER);
    return isSame ? asked : undefined;
  }

  #remember(head: RequestHead, asked: Asked): void {
    if (this.#questions.size >= QUESTIONS_MAX) this.#questions.clear();
    this.#questions.set(ownCopy(head.target), {
      ...asked,
      keyHeader: asked.keyHeader && ownCopy(asked.keyHeader),
      protoHeader: asked.protoHeader && ownCopy(asked.protoHeader),
    });
  }

  /** Undefined for a form that has yet to be made, and where no form is acceptable. */
  #prepare(held: HeldPayload, choice: Choice): PreparedAnswer | undefined {
    // Just set by the read that found it: the clock need not be read again.
    const nowMs = held.askedAtMs;
    const form = formOf(held, choice);
    if (form === undefined && choice !== 'no_updates') return undefined;
    const known = this.#prepared.get(form ?? held);
    const age = ageS(held, nowMs);
    if (known?.ageS === age) return known.answer;
    const answer = answerOf(held, form, nowMs);
    this.#prepared.set(form ?? held, { ageS: age, answer });
    return answer;
  }
}

function formOf(held: HeldPayload, choice: Choice): BodyForm<FormEncoding> | undefined {
  return choice === 'no_updates' || choice === 'not_acceptable' ? undefined : held.forms.held(choice);
}

/** Without a form, the answer is that there is no update. */
function answerOf(
  held: HeldPayload,
  form: BodyForm<FormEncoding> | undefined,
  nowMs: number,
): PreparedAnswer {
  const headers: Headers = { ...OPEN_TO_BROWSERS, ...versionHeaders(held, nowMs) };
  if (form === undefined) return new PreparedAnswer({ ...headers, ...NO_UPDATES_HEADERS }, NO_UPDATES_BODY);
  const whole = { ...wholeHeaders(held), ...formHeaders(form, held.payload.format) };
  return new PreparedAnswer({ ...headers, ...whole }, form.bytes);
}

/** Undefined for whatever is unusual: the routes see to it. */
function read(head: RequestHead): Asked | undefined {
  const [, path = '', pathKey, query = ''] = TARGET.exec(head.target) ?? [];
  const kind = KIND_OF_PATH.get(path);
  const parameters = readQuery(query);
  if (kind === undefined || parameters === undefined || parameters.has('accept_deltas')) return undefined;
  const keyHeader = head.header(KEY_HEADER);
  const protoHeader = head.header(PROTO_HEADER);
  const question = toQuestion({
    kind,
    pathKey,
    headerKey: keyHeader,
    queryKey: parameters.get('k'),
    queryProto: parameters.get('supports_proto'),
    queryDeltas: undefined,
    queryChecksum: undefined,
    headerProto: protoHeader,
    sinceTime: parameters.get('sinceTime'),
  });
  if ('code' in question || question.isSinceTimeIgnored) return undefined;
  return { keyHeader, protoHeader, key: question.key, sinceTime: question.sinceTime };
}

/** Undefined if a name is repeated or a pair is malformed: the routes decide what that means. */
function readQuery(query: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', value, more] = pair.split('=');
    if (name === '' || value === undefined || more !== undefined || parameters.has(name)) return undefined;
    parameters.set(name, value);
  }
  return parameters;
}
