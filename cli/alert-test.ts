import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import { pino } from 'pino';
import { readAlert, type AlertStory } from '../alerting/archive/list.ts';
import { maskedAddress } from '../alerting/masked-address.ts';
import { readOnCall } from '../alerting/paging/on-call.ts';
import { redactor } from '../alerting/redact.ts';
import { waitFor } from '../local/wait.ts';
import { ConfigurationError, Unanswered, UsageError } from '../rules/errors.ts';
import type { OnCall } from '../rules/on-call.ts';
import { openAlarm } from '../worker/alarm.ts';
import { withArchive, withTemporal } from './alert-engines.ts';
import { some } from './figures.ts';
import { Output } from './output.ts';
import { requestedBy } from './requests.ts';

/** A page is handed over within seconds; what Twilio says of an SMS is asked for every ten, or told. */
const LONGEST_WAIT_MS = 45_000;

export function addAlertTest(alert: Command): void {
  alert
    .command('test')
    .description('pages level 1, or one person, with a test that is to be acknowledged; says whom it reached')
    .addOption(new Option('--to <person>', 'as on-call.yaml names them'))
    .option('--json', 'one JSON document on stdout')
    .action(test);
}

async function test({ to, json = false }: { readonly to?: string; readonly json?: boolean }): Promise<void> {
  const output = new Output(json);
  await withArchive(async ({ warehouse, config, datasets }) => {
    const file = readOnCall(config.projectRoot, datasets.keys());
    if (!file) {
      throw new ConfigurationError(
        'There is no on-call.yaml: alerts go to the log and the archive, and page nobody',
        {
          hint: `Write one in ${config.projectRoot}.`,
        },
      );
    }
    const onCall = narrowed(file, to);
    const code = await withTemporal(config, async (temporal) => {
      const log = pino({ level: 'fatal', base: null }, pino.destination({ dest: 2, sync: true }));
      const { alarm } = openAlarm({ config, warehouse, temporal, onCall: () => onCall, log });
      const subject = randomUUID();
      const sentence = `This is a test by ${requestedBy()}: nothing has happened`;
      await alarm.raise({ rule: 'test-page', dataset: null, businessDate: null, subject, sentence });
      const [row] = await warehouse.query<{ code: number }[]>(
        `select code from nighttrain.alert where rule = 'test-page' and subject = $1`,
        [subject],
      );
      if (!row) throw new Unanswered('The archive did not take the test; it waits in the spool');
      return row.code;
    });
    output.note(`Test page ${code} to ${some(onCall.levels.flatMap(({ people }) => people))} …`);
    const known = async () => {
      const story = await readAlert(warehouse, code);
      return story && (story.state !== 'firing' || isKnown(story.deliveries)) ? story : undefined;
    };
    const story =
      (await waitFor(known, { withinMs: LONGEST_WAIT_MS, everyMs: 200 })) ??
      (await readAlert(warehouse, code));
    if (story) tell(story, output);
  });
}

/** Level 1 alone, once, whatever is quiet: a test must wake nobody who was not meant. @throws UsageError */
function narrowed(file: OnCall, to: string | undefined): OnCall {
  const [first] = file.levels;
  if (!first) throw new ConfigurationError('on-call.yaml has no level: nobody is paged');
  if (to !== undefined && !Object.hasOwn(file.people, to)) {
    throw new UsageError(`on-call.yaml knows nobody called '${to}'`, {
      hint: `It knows: ${some(Object.keys(file.people))}`,
    });
  }
  const people = to === undefined ? first.people : [to];
  return { ...file, levels: [{ ...first, people }], rounds: 1, quiet: [], owners: {} };
}

type Delivery = AlertStory['deliveries'][number];

/** Whether more of what became of the pages is not to be expected: of channels an SMS alone says later that it arrived. */
function isKnown(deliveries: readonly Delivery[]): boolean {
  const isWaitedFor = ({ state, channel }: Delivery) =>
    state === 'queued' || (state === 'sent' && channel === 'sms');
  return deliveries.length > 0 && !deliveries.some(isWaitedFor);
}

/** Exit code 1 where a page was not taken by its channel, or did not arrive; an answer says that one has arrived. */
function tell({ code, state: alertIs, acknowledgedBy, deliveries }: AlertStory, output: Output): void {
  const shown = deliveries.map((delivery) => ({ ...delivery, address: maskedAddress(delivery.address) }));
  for (const { person, channel, address, state, error } of shown) {
    const more = error ?? (state === 'sent' ? 'and nothing confirms that it arrived' : undefined);
    output.line(`${person} by ${channel} ${address}: ${state}${more === undefined ? '' : `, ${more}`}`);
  }
  if (deliveries.length === 0) output.note('No worker has taken it up: is one running? npx nighttrain up');
  if (alertIs === 'firing') output.line(`To acknowledge it: npx nighttrain alert ack ${code}`);
  else if (acknowledgedBy !== null) output.line(`Acknowledged by ${redactor([])(acknowledgedBy)}`);
  output.document({ code, deliveries: shown });
  const isSent =
    deliveries.length > 0 && deliveries.every(({ state }) => ['sent', 'delivered'].includes(state));
  if (!isSent) process.exitCode = 1;
}
