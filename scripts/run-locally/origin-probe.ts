// Whether the real origin can be reached from here: a proxy that listens and has nobody to ask is of little help.
import { EnvHttpProxyAgent, request } from 'undici';

const ANSWER_MS_MAX = 5_000;
/** What an answer of somebody looks like who could be reached: only TLS or HTTP failed. */
const REACHED = /CERT|TLS|SSL|SIGNED|HTTP_PARSER|HPE_/;

/** Why not; undefined where anybody answers, with whatever status. Outbound proxies are those of the environment. */
export async function whyUnreachable(origin: string): Promise<string | undefined> {
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const options = { method: 'HEAD', dispatcher, signal: AbortSignal.timeout(ANSWER_MS_MAX) } as const;
    const { body } = await request(origin, options);
    await body.dump();
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error ? String(error.code) : '';
    if (REACHED.test(code)) return undefined;
    // An attempt on several addresses of one name has a code, and no message.
    return error.message === '' ? code : error.message;
  } finally {
    await dispatcher.destroy();
  }
}
