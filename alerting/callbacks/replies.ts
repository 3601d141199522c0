import type { DataSource, EntityManager } from 'typeorm';
import { resolvedAddress, type OnCall } from '../../rules/on-call.ts';
import { acknowledge } from '../archive/archive.ts';
import { isFirstCallback } from './callback-register.ts';

/** An SMS that somebody sent us. */
export interface Reply {
  readonly sid: string;
  readonly from: string;
  readonly body: string;
}

/** `answer` is for the person; strangers and replays get none. */
export interface ReplyOutcome {
  readonly outcome: 'acknowledged' | 'already' | 'late' | 'wrong code' | 'unclear' | 'replayed' | 'stranger';
  readonly answer?: string;
  /** Escalations that have to look again. */
  readonly changed: readonly string[];
}

/**
 * A code has as many digits as this at most: PostgreSQL's bigint has 19. What else is said must not hold another code,
 * for nobody could tell which is meant; how long somebody will take has fewer digits.
 */
const ACK = /^\s*ack\W{0,5}(\d{1,15})(?!\w)(?!.*\d{4})(?!\s*\d)/is;
const CODE_ALONE = /^\W*(\d{4,15})\W*$/;

/** The code of `ACK 4821`, however it is spelled and spaced, and of `4821` alone; undefined for anything else. */
export function ackedCode(body: string): number | undefined {
  const digits = (ACK.exec(body) ?? CODE_ALONE.exec(body))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

interface OnCallAlert {
  readonly alertId: string;
  readonly onCall: OnCall | null;
}

/**
 * Takes a reply, once: also one that changes nothing must not acknowledge tomorrow what fires again, or an alert that
 * is given its code by then. Only a number that is on call for an alert acknowledges it.
 * @param env what variables of the on-call file hold
 */
export async function takeReply(
  warehouse: DataSource,
  reply: Reply,
  env: (name: string) => string | undefined,
): Promise<ReplyOutcome> {
  return warehouse.transaction(async (tx): Promise<ReplyOutcome> =>
    (await isFirstCallback(tx, `reply ${reply.sid}`))
      ? answerTo(tx, reply, env)
      : { outcome: 'replayed', changed: [] },
  );
}

async function answerTo(
  tx: EntityManager,
  { from, body }: Reply,
  env: (name: string) => string | undefined,
): Promise<ReplyOutcome> {
  const code = ackedCode(body);
  const [alert] =
    code === undefined
      ? []
      : await tx.query<OnCallAlert[]>(
          `select alert_id as "alertId", on_call as "onCall" from nighttrain.alert where code = $1`,
          [code],
        );
  const person = alert && personOf(alert.onCall, from, env);
  if (!alert || person === undefined) return unmatched(tx, code, from, env);
  const { outcome, by, changed } = await acknowledge(
    tx,
    { alertId: alert.alertId },
    { by: person, via: 'sms' },
  );
  if (outcome === 'acknowledged')
    return { outcome, answer: `${code} is acknowledged. Nobody else is called.`, changed };
  const whose = by === undefined ? '' : ` by ${by}`;
  return outcome === 'already'
    ? { outcome, answer: `${code} was acknowledged${whose} before. Nothing was changed.`, changed: [] }
    : { outcome: 'late', answer: `${code} was resolved${whose} before. Nothing was changed.`, changed: [] };
}

/** Who has this number, as the alert's on-call file names them. */
function personOf(
  onCall: OnCall | null,
  number: string,
  env: (name: string) => string | undefined,
): string | undefined {
  return Object.entries(onCall?.people ?? {}).find(([, { channels }]) =>
    channels.some(({ channel, address }) => channel === 'sms' && resolvedAddress(address, env) === number),
  )?.[0];
}

/** More open alerts than this are a storm, whose people are those of any of them. */
const MOST_OPEN = 100;

/** Whoever is on call for anything is told what was wrong; strangers are told nothing. */
async function unmatched(
  tx: EntityManager,
  code: number | undefined,
  from: string,
  env: (name: string) => string | undefined,
): Promise<ReplyOutcome> {
  const open = await tx.query<{ onCall: OnCall }[]>(
    `select distinct on_call as "onCall" from nighttrain.alert where state <> 'resolved' and on_call is not null
     limit ${MOST_OPEN}`,
  );
  if (!open.some(({ onCall }) => personOf(onCall, from, env) !== undefined))
    return { outcome: 'stranger', changed: [] };
  return code === undefined
    ? { outcome: 'unclear', answer: 'To acknowledge, reply ACK and the number, as in ACK 4821.', changed: [] }
    : {
        outcome: 'wrong code',
        answer: `No alert that you are on call for has the number ${code}. Nothing was changed.`,
        changed: [],
      };
}
