import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findTemporalCli } from '../../local/temporal-cli.ts';
import { CONTROL_ID, replayDay } from '../../workflows/messages.ts';
import type { DemoHouse } from './house.ts';
import type { Narrator } from './narrator.ts';

const run = promisify(execFile);
const DATE = '2013-02-01';
const OPERATOR = 'the demo';

/** The source restates a day; an operator with nothing but Temporal's own tool has it loaded again. */
export async function replayBySignal(house: DemoHouse, narrator: Narrator): Promise<void> {
  const before = await versionOf(house);
  await house.ask({ days: [{ date: DATE, restatements: 1 }] });
  narrator.tell(`The railway restates ${DATE}: some movements are weighed again, struck out, added.`);
  await signalReplay(house, narrator);
  await house.until(
    'the replayed day is published',
    `select load_id::text <> $1 from nighttrain.published_day
     where dataset = 'freight-movements' and business_date = '${DATE}'`,
    before.loadId,
  );
  const after = await versionOf(house);
  narrator.tell(`before: ${before.movements} movements, ${before.francs} XAF (${before.table})`);
  narrator.tell(`after:  ${after.movements} movements, ${after.francs} XAF (${after.table})`);
  narrator.expect('the sum has changed', after.francs !== before.francs, true);
  narrator.expect(
    'movements of the version before, still readable in warehouse_history',
    await house.value(`select count(*)::int from warehouse_history.${before.table}`),
    before.movements,
  );
  narrator.expect(
    'what the request was answered',
    await house.value('select state from nighttrain.request where requested_by = $1', OPERATOR),
    'started',
  );
}

async function signalReplay(house: DemoHouse, narrator: Narrator): Promise<void> {
  const input = JSON.stringify({
    dataset: 'freight-movements',
    businessDate: DATE,
    requestedBy: OPERATOR,
    reason: 'restated by the railway',
  });
  const args = ['workflow', 'signal', '--workflow-id', CONTROL_ID, '--name', replayDay.name];
  narrator.command(`temporal ${args.join(' ')} \\\n       --input '${input}'`);
  const { env, signal } = house.shell;
  const temporal = await findTemporalCli({ env, say: (line) => narrator.said(line), signal });
  const { stdout } = await run(
    temporal,
    [...args, '--input', input, '--address', house.engines.temporalAddress, '--disable-config-file'],
    { env, signal, timeout: 30_000 },
  );
  for (const line of stdout.trim().split('\n')) narrator.said(line);
}

interface Version {
  readonly loadId: string;
  readonly table: string;
  readonly movements: number;
  readonly francs: string;
}

/** What readers see of the day now. */
async function versionOf(house: DemoHouse): Promise<Version> {
  return (await house.value(
    `select json_build_object('loadId', p.load_id, 'table', b.table_name, 'movements', r.movements, 'francs', r.francs)
     from nighttrain.published_day p
       join nighttrain.load_batch b using (load_id),
       (select count(*) as movements, sum(amount_xaf)::text as francs
        from warehouse.freight_movement where business_date = '${DATE}') r
     where p.dataset = 'freight-movements' and p.business_date = '${DATE}'`,
  )) as Version;
}
