import { variableProblem, type OnCall } from '../../rules/on-call.ts';
import type { Config } from '../../worker/config.ts';
import type { Paging } from '../../worker/paging.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

const NOBODY = 'NOBODY IS CALLED when a night fails: alerts go to the log and the archive alone';
const LIST = '.env.example lists the variables.';
const MINUTE_MS = 60_000;

export const noFile = (): Finding =>
  warn('on call', `there is no on-call.yaml: ${NOBODY}`, 'Write one: docs/guides/on-call.md has an example.');

/** Whom the on-call file reaches, and what in it calls nobody though it is sound. */
export function checkOnCall(onCall: OnCall, paging: Paging, env: Config['env']): readonly Finding[] {
  const doubts = [...quietDoubts(onCall), ...idlePeople(onCall), ...shortLevels(onCall)];
  return [
    checkContacts(onCall, paging, env),
    ...(doubts.length > 0 ? [warn('on call', doubts.join('\n'), 'If it is not meant: on-call.yaml.')] : []),
  ];
}

/** Contacts that nothing here can reach. */
function checkContacts({ people }: OnCall, paging: Paging, env: Config['env']): Finding {
  const isSetUp = {
    sms: paging.sms !== undefined,
    email: paging.email !== undefined,
    slack: true,
    json: true,
    pagerduty: paging.pagerDutyRoutingKey !== undefined,
  };
  const all = Object.entries(people).flatMap(([person, { channels }]) =>
    channels.map((contact) => {
      const way = contact.channel === 'webhook' ? contact.address.split(' ', 1)[0] : contact.channel;
      const lacks = variableProblem(contact, env);
      const problem = !isSetUp[way as keyof typeof isSetUp]
        ? `${way} is not set up here`
        : lacks && `$${lacks.variable} ${lacks.problem}`;
      return { person, problem };
    }),
  );
  const problems = all.flatMap(({ person, problem }) =>
    problem === undefined ? [] : `${person}: ${problem}`,
  );
  const isAnybodyReached = all.some(({ problem }) => problem === undefined);
  if (!isAnybodyReached)
    return fail('on call', [NOBODY, ...problems].join('\n'), `Set a channel up: ${LIST}`);
  if (problems.length > 0)
    return fail('on call', problems.join('\n'), `Set it up, or correct on-call.yaml. ${LIST}`);
  const count = Object.keys(people).length;
  return ok('on call', `${count} ${count === 1 ? 'person' : 'people'}, each reached by what is set up here`);
}

function quietDoubts({ quiet }: OnCall): string[] {
  const isQuiet = (severity: (typeof quiet)[number]) => quiet.includes(severity);
  if (isQuiet('error') && isQuiet('critical')) return [`quiet has ${quiet.join(', ')}: ${NOBODY}`];
  return (['error', 'critical'] as const)
    .filter(isQuiet)
    .map((one) => `quiet has ${one}: nobody is called for it`);
}

function idlePeople({ people, levels, owners }: OnCall): string[] {
  const asked = new Set([...levels.flatMap((level) => level.people), ...Object.values(owners).flat()]);
  return Object.keys(people)
    .filter((person) => !asked.has(person))
    .map((person) => `${person}: in no level and no owner of a dataset, told only that nobody has answered`);
}

function shortLevels({ levels }: OnCall): string[] {
  return levels.flatMap(({ timeoutMs }, index) =>
    timeoutMs < MINUTE_MS
      ? `level ${index + 1} has ${timeoutMs / 1_000} s to answer: most SMS are not read by then`
      : [],
  );
}
