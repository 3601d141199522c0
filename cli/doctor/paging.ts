import { connect } from 'node:net';
import { readOnCall } from '../../alerting/paging/on-call.ts';
import type { Dataset } from '../../rules/dataset.ts';
import type { Config } from '../../worker/config.ts';
import type { CallbackSetup, Paging } from '../../worker/paging.ts';
import { examine, ok, warn, type Finding } from './finding.ts';
import { checkOnCall, noFile } from './on-call.ts';

const CALL_MS = 15_000;
const LOOK_MS = 2_000;
const LIST = '.env.example lists the variables.';

/** Whether somebody is reached when a night fails. Credentials are tried by calls that send nothing. */
export async function checkPaging(
  { projectRoot, paging, env }: Config,
  datasets: readonly Dataset[],
): Promise<readonly Finding[]> {
  const file = await examine('on call', 'Correct on-call.yaml.', () => {
    const onCall = readOnCall(
      projectRoot,
      datasets.map(({ name }) => name),
    );
    return Promise.resolve(onCall ? checkOnCall(onCall, paging, env) : noFile());
  });
  return [
    ...file,
    ...(await examine('sms', LIST, () => checkSms(paging))),
    ...(await examine('email', LIST, () => checkEmail(paging))),
    ...(await examine('callbacks', LIST, () => checkCallbacks(paging))),
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

async function checkCallbacks({ callbacks, sms, twilioAuthToken }: Paging): Promise<Finding> {
  if (!callbacks)
    return ok('callbacks', 'nobody outside can call us: acknowledge by npx nighttrain alert ack');
  const { publicUrl, port } = callbacks;
  const isHeard = await answers(callbacks);
  const doubts: (readonly [doubt: string, mend: string])[] = [];
  if (!isHeard)
    doubts.push([
      `nothing on this machine hears port ${port}`,
      'Where a worker of this machine is to hear it, start one: npx nighttrain worker.',
    ]);
  if (new URL(publicUrl).protocol === 'http:')
    doubts.push([
      'it is not https: links that acknowledge can be read on their way',
      'Give NIGHTTRAIN_PUBLIC_URL a certificate.',
    ]);
  if (sms && twilioAuthToken === undefined)
    doubts.push([
      `Twilio's are refused: an API key cannot check their signatures`,
      'Set TWILIO_AUTH_TOKEN, too.',
    ]);
  if (doubts.length === 0) return ok('callbacks', `${publicUrl}, heard on port ${port}`);
  return warn(
    'callbacks',
    [publicUrl, ...doubts.map(([doubt]) => doubt)].join('; '),
    doubts.map(([, mend]) => mend).join(' '),
  );
}

/** Whether somebody listens there, as seen from this machine. */
async function answers({ host, port }: CallbackSetup): Promise<boolean> {
  const local = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  const socket = connect({ host: local, port, timeout: LOOK_MS });
  try {
    return await new Promise<boolean>((tell) => {
      socket.once('connect', () => tell(true));
      socket.once('error', () => tell(false));
      socket.once('timeout', () => tell(false));
    });
  } finally {
    socket.destroy();
  }
}
