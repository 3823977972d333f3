// The program that starts Replane's own engine, replica and APIs from a checkout, without its pages and their build.

/**
 * To be run inside the checkout, as it imports from there. As a module of the checkout's own kind, `.ts`: an `.mts` beside a
 * package.json without a type has tsx load the replica twice, and the two of them share what is replicated out.
 */
export function serverText(port: number): string {
  return `import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createAdminApi } from '@/admin-api';
import { getEdgeSingleton } from '@/engine/edge-singleton';
import { getEngineSingleton } from '@/engine/engine-singleton';
import { sdkApi } from '@/sdk-api';

// As under Next, which it is written for: its pool of connections has no listener for errors.
process.on('uncaughtException', (error) => { console.error(error); });
async function start(): Promise<void> {
  await getEdgeSingleton();
  const app = new Hono();
  app.get('/api/health', (context) => context.json({ status: 'ok' }));
  app.route('/api/sdk/v1', sdkApi);
  app.route('/api/admin/v1', createAdminApi(await getEngineSingleton()));
  serve({ fetch: app.fetch, port: ${port}, hostname: '127.0.0.1' });
}
void start();
`;
}
