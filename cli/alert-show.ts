import type { Command } from 'commander';
import { readAlert, type AlertStory } from '../alerting/archive/list.ts';
import { maskedAddress } from '../alerting/masked-address.ts';
import { redactor } from '../alerting/redact.ts';
import { codeNamed, noSuchAlert, withArchive } from './alert-engines.ts';
import { Output } from './output.ts';

export function addAlertShow(alert: Command): void {
  alert
    .command('show')
    .argument('<code>', 'as the page has it', codeNamed)
    .description('what happened, who was paged, who answered, what was done, and the runbook')
    .option('--json', 'one JSON document on stdout')
    .action(show);
}

async function show(code: number, { json = false }: { readonly json?: boolean }): Promise<void> {
  const output = new Output(json);
  await withArchive(async ({ warehouse }) => {
    const found = await readAlert(warehouse, code);
    if (!found) throw noSuchAlert(code);
    const story = masked(found);
    output.document({ ...story });
    print(story, output);
  });
}

/** Nobody's number is shown, nor the URL that lets everybody write (R17). */
function masked(story: AlertStory): AlertStory {
  const redact = redactor([]);
  return {
    ...story,
    acknowledgedBy: redact(story.acknowledgedBy ?? '') || null,
    resolvedBy: redact(story.resolvedBy ?? '') || null,
    events: story.events.map((event) => ({ ...event, by: redact(event.by), note: redact(event.note) })),
    deliveries: story.deliveries.map((delivery) => ({
      ...delivery,
      address: maskedAddress(delivery.address),
      error: delivery.error === null ? null : redact(delivery.error),
    })),
  };
}

function print(story: AlertStory, output: Output): void {
  const { code, rule, severity, state, sentence, dataset, businessDate, times, firstAt, lastAt } = story;
  output.line(`Alert ${code}: ${rule}, ${severity}, ${state}`);
  output.line(`  ${sentence}`);
  output.line();
  const field = (name: string, value: string) => output.line(`  ${name.padEnd(12)} ${value}`);
  const night = [dataset, businessDate].filter(Boolean).join(' ');
  if (night !== '') field('night', night);
  if (isForPeople(story.subject)) field('about', story.subject);
  field('seen', times === 1 ? firstAt : `${times} times, first ${firstAt}, last ${lastAt}`);
  if (story.incident !== null) field('incident', `part of alert ${story.incident}`);
  for (const [name, value] of Object.entries(story.facts)) {
    if (value !== null) field(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  if (story.resolvedWhy) field('resolved', `${story.resolvedWhy} (${story.resolvedBy})`);
  output.line();
  for (const { at, kind, by, via, note } of story.events) {
    const who = kind === 'paged' && via !== 'escalation' ? by : `by ${by}`; // whom was paged, and by whom all else
    output.line(`  ${at}  ${kind} ${who} (${via})${note === '' ? '' : `: ${note}`}`);
  }
  for (const {
    firing,
    round,
    level,
    person,
    channel,
    address,
    state: reached,
    tries,
    error,
  } of story.deliveries) {
    const time = story.firing === 1 ? '' : `firing ${firing}, `;
    const place = `${time}round ${round}, level ${level}: ${person} by ${channel} ${address}`;
    const tried = tries === 1 ? '1 try' : `${tries} tries`;
    output.line(`  ${place}: ${reached}, ${tried}${error === null ? '' : `, ${error}`}`);
  }
  for (const { runbook, outcome, by, endedAt } of story.evidence) {
    output.line(`  ${endedAt}  runbook ${runbook} ${outcome}, by ${by}`);
  }
  output.line();
  output.line(`What to do: npx nighttrain runbook show ${story.runbook}`);
  if (state === 'firing') output.line(`You are on it: npx nighttrain alert ack ${code}`);
}

/** What tells apart two alerts of a rule is often an id or an instant, which tells a person nothing. */
function isForPeople(subject: string): boolean {
  return subject !== '' && !/^[0-9a-f]{8}-[0-9a-f-]{27}$|^\d{4}-\d\d-\d\dT/.test(subject);
}
