/** Starts the engines of a home, prints where they are as one line of JSON, and stays. */
import { startEngines } from '../../local/engines.ts';

const [home = '', engines] = process.argv.slice(2);
const started = await startEngines(home, {
  postgres: true,
  temporal: engines === 'both',
  env: process.env,
  say: (line) => process.stderr.write(`${line}\n`),
  postgresSettings: { fsync: 'off' },
});
process.stdout.write(`${JSON.stringify(started)}\n`);
setInterval(() => {}, 60_000);
