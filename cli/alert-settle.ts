import type { Command } from 'commander';
import { acknowledge, resolve, type Settled } from '../alerting/archive/archive.ts';
import { UsageError } from '../rules/errors.ts';
import { codeNamed, noSuchAlert, tellEscalations, withArchive } from './alert-engines.ts';
import { Output } from './output.ts';
import { requestedBy } from './requests.ts';

export function addAlertAck(alert: Command): void {
  alert
    .command('ack')
    .argument('<code>', 'as the page has it', codeNamed)
    .description('says that you are on it: nobody else is paged')
    .option('--note <text>', 'what you are about to do')
    .option('--json', 'one JSON document on stdout')
    .action(ack);
}

export function addAlertResolve(alert: Command): void {
  alert
    .command('resolve')
    .argument('<code>', 'as the page has it', codeNamed)
    .requiredOption('--reason <text>', 'why it is over')
    .description('closes an alert; a night that loads resolves its own')
    .option('--json', 'one JSON document on stdout')
    .action(close);
}

async function ack(
  code: number,
  { note = '', json = false }: { readonly note?: string; readonly json?: boolean },
): Promise<void> {
  const output = new Output(json);
  await withArchive(async ({ warehouse, config }) => {
    const settled = await acknowledge(warehouse, { code }, { by: requestedBy(), via: 'cli', note });
    if (settled.outcome === 'unknown') throw noSuchAlert(code);
    await tellEscalations(config, settled.changed, output);
    output.line(ACKNOWLEDGED[settled.outcome](code, settled.by ?? 'somebody'));
    say(code, settled, output);
  });
}

const ACKNOWLEDGED: Readonly<
  Record<Exclude<Settled['outcome'], 'unknown'>, (code: number, by: string) => string>
> = {
  acknowledged: (code) => `Alert ${code} is yours: nobody else is paged for it`,
  already: (code, by) => `Alert ${code} was acknowledged before, by ${by}`,
  resolved: (code, by) => `Alert ${code} is resolved already, by ${by}: there is nothing left to acknowledge`,
};

async function close(
  code: number,
  { reason, json = false }: { readonly reason: string; readonly json?: boolean },
): Promise<void> {
  const output = new Output(json);
  if (reason.trim() === '')
    throw new UsageError('An alert that is resolved without a reason tells nobody anything');
  await withArchive(async ({ warehouse, config }) => {
    const settled = await resolve(
      warehouse,
      { code },
      { by: requestedBy(), via: 'cli', note: reason.trim() },
    );
    if (settled.outcome === 'unknown') throw noSuchAlert(code);
    await tellEscalations(config, settled.changed, output);
    output.line(
      settled.changed.length > 0
        ? `Alert ${code} is resolved`
        : `Alert ${code} was resolved before, by ${settled.by ?? 'somebody'}`,
    );
    say(code, settled, output);
  });
}

function say(code: number, { outcome, by }: Settled, output: Output): void {
  output.document({ code, outcome, by: by ?? null });
}
