// Walks over origins in trouble for as long as it is told, an hour if it is not: `npm run soak -- 90` takes 90 minutes.
import { spawnSync } from 'node:child_process';

const TYPESCRIPT = new URL('./typescript.mjs', import.meta.url).href;
const WALK = 'test/process/origin-walk.test.ts';
const MINUTES = 60;

const minutes = Number(process.argv[2] ?? MINUTES);
if (!(minutes > 0)) {
  console.error(
    'usage: npm run soak -- [MINUTES], with SEED=… in the environment to repeat the choices of another run',
  );
  process.exit(2);
}
const { status } = spawnSync(process.execPath, ['--import', TYPESCRIPT, WALK], {
  env: { ...process.env, WALK_S: String(minutes * 60) },
  stdio: 'inherit',
});
process.exit(status ?? 1);
