import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Scenario } from '../local/freight-api/scenario.ts';
import { startFreightApi } from '../local/freight-api/server.ts';
import { UsageError } from '../rules/errors.ts';
import { environmentVariable } from '../worker/config.ts';
import { Output } from './output.ts';
import { StopRequest } from './signals.ts';

interface SimulateOptions {
  readonly port: number;
  readonly seed?: string;
  readonly scenario?: string;
}

export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('the freight API, simulated: seeded, and with faults on request; Ctrl-C stops it')
    .option('--port <port>', 'where it listens on this machine; 0 takes a free port', portNamed, 0)
    .option('--seed <text>', 'another seed is another railway’s traffic')
    .option('--scenario <file>', 'days and faults to begin with, as docs/guides/freight-api.md lists them')
    .action(simulate);
}

async function simulate({ port, seed, scenario }: SimulateOptions): Promise<void> {
  const output = new Output(false);
  using stop = StopRequest.listen();
  const token = environmentVariable('FREIGHT_API_TOKEN');
  const api = await startFreightApi({
    port,
    ...(token !== undefined && { token }),
    ...(seed !== undefined && { seed }),
    ...(scenario !== undefined && { scenario: await readScenario(scenario) }),
  });
  output.line(
    `The freight API answers at ${api.url}; ${token ? 'it asks for FREIGHT_API_TOKEN' : 'it asks for no token'}.`,
  );
  output.line(`  a worker uses it with   FREIGHT_API_URL=${api.url}`);
  output.line(
    `  switch a fault on       ${curl(api.url, '{"faults":[{"fault":"status","status":500,"times":2}]}')}`,
  );
  output.line(
    `  restate a day           ${curl(api.url, '{"days":[{"date":"2013-02-01","restatements":1}]}')}`,
  );
  output.line(`  look, and clear it all  curl ${api.url}/control; curl -X DELETE ${api.url}/control`);
  output.line('Ctrl-C stops it.');
  await untilAborted(stop.signal);
  await api.close();
}

const curl = (url: string, body: string): string =>
  `curl -H 'content-type: application/json' -d '${body}' ${url}/control`;

async function readScenario(file: string): Promise<Scenario> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Scenario; // the simulator holds it to its schema
  } catch (cause) {
    throw new UsageError(`The scenario ${file} cannot be read`, {
      detail: cause instanceof Error ? cause.message : String(cause),
      hint: 'It is a JSON file; docs/guides/freight-api.md shows one.',
      cause,
    });
  }
}

function portNamed(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`'${text}' is no port`, { hint: 'Name one from 1 to 65535, or 0 for a free one.' });
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
