import { readOnCall } from '../../alerting/paging/on-call.ts';
import { resolvedAddress, variableOf, type OnCall } from '../../rules/on-call.ts';
import type { Dataset } from '../../rules/dataset.ts';
import type { Config } from '../../worker/config.ts';
import type { Paging } from '../../worker/paging.ts';
import { examine, fail, ok, warn, type Finding } from './finding.ts';

const CALL_MS = 15_000;
const NOBODY = 'NOBODY IS CALLED when a night fails: alerts go to the log and the archive alone';
const LIST = '.env.example lists the variables.';

/** Whether somebody is reached when a night fails. Credentials are tried by calls that send nothing. */
export async function checkPaging(
  { projectRoot, paging, env }: Config,
  datasets: readonly Dataset[],
): Promise<readonly Finding[]> {
  let onCall: OnCall | undefined;
  const file = await examine('on call', 'Correct on-call.yaml.', () => {
    onCall = readOnCall(
      projectRoot,
      datasets.map(({ name }) => name),
    );
    return Promise.resolve(onCall ? contacts(onCall, paging, env) : noFile());
  });
  return [
    ...file,
    ...(await examine('sms', LIST, () => checkSms(paging))),
    ...(await examine('email', LIST, () => checkEmail(paging))),
    checkCallbacks(paging),
  ];
}

const noFile = (): Finding =>
  warn('on call', `there is no on-call.yaml: ${NOBODY}`, 'Write one: docs/guides/on-call.md has an example.');

/** Contacts that nothing here can reach. */
function contacts({ people }: OnCall, paging: Paging, env: Config['env']): readonly Finding[] {
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
      const isReady = isSetUp[way as keyof typeof isSetUp];
      const isKnown = resolvedAddress(contact.address, env) !== undefined;
      const lacks = isReady ? `$${variableOf(contact.address)} is not set` : `${way} is not set up here`;
      return { person, problem: isReady && isKnown ? undefined : `${person}: ${lacks}` };
    }),
  );
  const problems = all.flatMap(({ problem }) => problem ?? []);
  const reached = new Set(all.filter(({ problem }) => problem === undefined).map(({ person }) => person));
  const count = Object.keys(people).length;
  if (reached.size === 0)
    return [fail('on call', [NOBODY, ...problems].join('\n'), `Set a channel up: ${LIST}`)];
  if (problems.length > 0)
    return [fail('on call', problems.join('\n'), `Set it up, or correct on-call.yaml. ${LIST}`)];
  return [
    ok('on call', `${count} ${count === 1 ? 'person' : 'people'}, each reached by what is set up here`),
  ];
}

async function checkSms({ sms }: Paging): Promise<Finding> {
  if (!sms) return ok('sms', 'not set up: nobody is reached by SMS');
  const { Sms } = await import('../../alerting/channels/sms.ts');
  await new Sms(sms).check(AbortSignal.timeout(CALL_MS));
  const heard = sms.canReply ? 'replies acknowledge' : 'no replies: the text names the command';
  const told =
    sms.statusCallback === undefined ? 'asks what became of a page' : 'is told what became of a page';
  return ok('sms', `Twilio lets us in; ${told}; ${heard}`);
}

async function checkEmail({ email }: Paging): Promise<Finding> {
  if (!email) return ok('email', 'not set up: nobody is reached by mail');
  const { Email } = await import('../../alerting/channels/email.ts');
  await new Email(email).check();
  return ok('email', 'the mail server lets us in');
}

function checkCallbacks({ callbacks, sms, twilioAuthToken }: Paging): Finding {
  if (!callbacks)
    return ok('callbacks', 'nobody outside can call us: acknowledge by npx nighttrain alert ack');
  const where = `${callbacks.publicUrl}, heard by a worker on port ${callbacks.port}`;
  return sms && twilioAuthToken === undefined
    ? warn(
        'callbacks',
        `${where}; Twilio's are refused: an API key cannot check their signatures`,
        'Set TWILIO_AUTH_TOKEN, too.',
      )
    : ok('callbacks', where);
}
