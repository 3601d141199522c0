import { z } from 'zod';
import {
  ADDRESSES,
  LONGEST_LEVEL_MINUTES,
  MOST_LEVELS,
  MOST_PEOPLE_A_LEVEL,
  MOST_ROUNDS,
  SHORTEST_LEVEL_MINUTES,
  WEBHOOK_FORMS,
  type ChannelKind,
  type Contact,
  type OnCall,
} from '../../rules/on-call.ts';

const VARIABLE = /^\$[A-Z][A-Z0-9_]*$/;
const MINUTE_MS = 60_000;

/** The address of a channel, or `$NAME`, the variable that holds it. */
const address = (channel: ChannelKind) => {
  const { is, what } = ADDRESSES[channel];
  const must = `must be ${what}, or $NAME`;
  return z
    .string(must)
    .refine((text) => VARIABLE.test(text) || is(text), must)
    .optional();
};

const contact = z
  .strictObject(
    {
      sms: address('sms'),
      email: address('email'),
      webhook: address('webhook'),
      as: z.enum(WEBHOOK_FORMS, `must be one of ${WEBHOOK_FORMS.join(', ')}`).optional(),
    },
    'must be sms, email or webhook with its address',
  )
  .transform(({ sms, email, webhook, as }, context): Contact => {
    const given = [sms, email, webhook].filter((one) => one !== undefined);
    if (given.length !== 1) context.addIssue('must have one of sms, email, webhook');
    if ((webhook === undefined) !== (as === undefined))
      context.addIssue(`must have webhook and as (${WEBHOOK_FORMS.join(', ')}) together`);
    if (sms !== undefined) return { channel: 'sms', address: sms };
    if (email !== undefined) return { channel: 'email', address: email };
    return { channel: 'webhook', address: `${as} ${webhook}` };
  });

const person = z.strictObject(
  {
    name: z.string('must be a text').trim().min(1, 'must not be empty').max(100, 'is too long'),
    channels: unique(
      z.array(contact, 'must be a list').min(1, 'must have one channel at least').max(10, 'has too many'),
      (one) => `${one.channel} ${one.address}`,
    ),
  },
  'must be a person, with name and channels',
);

/** The schema of an on-call file. @param content of the file: whom and what it may name depends on what is in it */
export function onCallSchema(content: unknown, datasets: ReadonlySet<string>): z.ZodType<OnCall> {
  const known = peopleIn(content);
  const someone = z.string('must be a person of people').refine((id) => known.has(id), {
    error: ({ input }) => `names ${JSON.stringify(input)}, who is not among people`,
  });
  const group = unique(
    z
      .array(someone, 'must be a list of people')
      .min(1, 'must name somebody')
      .max(MOST_PEOPLE_A_LEVEL, `must name ${MOST_PEOPLE_A_LEVEL} people at most`),
    (id) => id,
  );
  const minutes = `must be minutes, from ${SHORTEST_LEVEL_MINUTES} to ${LONGEST_LEVEL_MINUTES}`;
  const level = z
    .strictObject(
      {
        people: group,
        timeoutMinutes: z
          .number(minutes)
          .min(SHORTEST_LEVEL_MINUTES, minutes)
          .max(LONGEST_LEVEL_MINUTES, minutes),
      },
      'must be a level, with people and timeoutMinutes',
    )
    .transform(({ people, timeoutMinutes }) => ({ people, timeoutMs: timeoutMinutes * MINUTE_MS }));
  const dataset = z.string().refine((name) => datasets.has(name), 'is no dataset');
  const rounds = `must be a whole number from 1 to ${MOST_ROUNDS}`;
  return z.strictObject(
    {
      people: z.record(z.string(), person, 'must name people'),
      levels: z
        .array(level, 'must be a list of levels')
        .min(1, 'must have one level at least')
        .max(MOST_LEVELS, `must have ${MOST_LEVELS} levels at most`),
      rounds: z.int(rounds).min(1, rounds).max(MOST_ROUNDS, rounds).default(2),
      quiet: z
        .array(
          z.enum(['warn', 'error', 'critical'], 'must be warn, error or critical'),
          'must be a list of severities',
        )
        .default([]),
      owners: z.record(dataset, group, 'must be people by dataset').default({}),
    },
    'must have people and levels',
  );
}

/** People whose name cannot be typed. Not in the schema: it says nothing of what stands under a name that is wrong. */
export function badNames(content: unknown): readonly string[] {
  return [...peopleIn(content)].filter((id) => !/^[a-z][a-z0-9-]{0,31}$/.test(id));
}

function peopleIn(content: unknown): ReadonlySet<string> {
  const { people } = (typeof content === 'object' && content !== null ? content : {}) as { people?: unknown };
  return new Set(typeof people === 'object' && people !== null ? Object.keys(people) : []);
}

/** Nobody is called twice at once. */
function unique<Item>(list: z.ZodType<Item[]>, nameOf: (item: Item) => string) {
  return list.refine((items) => new Set(items.map(nameOf)).size === items.length, 'names somebody twice');
}
