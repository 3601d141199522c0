import type { Severity } from './alert-rules.ts';

/** The ways to reach a person. */
export const CHANNELS = ['sms', 'email', 'webhook'] as const;
export type ChannelKind = (typeof CHANNELS)[number];

/** How a webhook wants to be told. */
export const WEBHOOK_FORMS = ['slack', 'pagerduty', 'json'] as const;
export type WebhookForm = (typeof WEBHOOK_FORMS)[number];

/** One way to reach one person. */
export interface Contact {
  readonly channel: ChannelKind;
  /**
   * A number as `+33612345678`, a mail address, or `<form> <URL>` of a webhook (`slack https://…`). `$NAME` in the
   * place of number, address or URL names the variable that holds it: a URL that lets everybody write is a secret (R17).
   */
  readonly address: string;
}

export interface Person {
  /** As the others call them. */
  readonly name: string;
  /** All of them are used at once. */
  readonly channels: readonly Contact[];
}

/** Who is asked together, and for how long. */
export interface Level {
  readonly people: readonly string[];
  /** Without an acknowledgement by then, the next level is asked. Milliseconds. */
  readonly timeoutMs: number;
}

/** The on-call file, checked: every person that a level or an owner names is there. An alert keeps the one of its time. */
export interface OnCall {
  readonly people: Readonly<Record<string, Person>>;
  readonly levels: readonly Level[];
  /** How often all levels are asked. */
  readonly rounds: number;
  /** Nobody is paged for alerts of these. */
  readonly quiet: readonly Severity[];
  /** Who is level 1 for a dataset, instead of level 1's own people. */
  readonly owners: Readonly<Record<string, readonly string[]>>;
}

/** What bounds an escalation, and with it its workflow's history (R14). */
export const MOST_LEVELS = 5;
export const MOST_ROUNDS = 10;
export const MOST_PEOPLE_A_LEVEL = 20;
export const LONGEST_LEVEL_MINUTES = 240;
/** A level that is over before its pages are sent asks nobody. */
export const SHORTEST_LEVEL_MINUTES = 0.02;

/** E.164, as Twilio wants it. */
export const PHONE_NUMBER = /^\+[1-9]\d{6,14}$/;
const MAIL = /^[^\s@<>,;]+@[^\s@<>,;]+$/;
const isWebUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** What an address of each channel is, and how that is said. */
export const ADDRESSES: Readonly<
  Record<ChannelKind, { readonly is: (text: string) => boolean; readonly what: string }>
> = {
  sms: { is: (text) => PHONE_NUMBER.test(text), what: `a number in quotes, as '+33612345678'` },
  email: { is: (text) => MAIL.test(text), what: 'a mail address' },
  webhook: { is: isWebUrl, what: 'an http(s) URL' },
};

/** Whether somebody is paged for an alert. */
export function isPaged(onCall: OnCall | undefined, severity: Severity): onCall is OnCall {
  return onCall !== undefined && !onCall.quiet.includes(severity);
}

/** Who is asked, in which order, and how often. */
export interface Asking {
  readonly levels: readonly Level[];
  readonly rounds: number;
}

/**
 * Who is asked about an alert: the dataset's owners first, where it has any. That nobody answered another alert is
 * told to everybody, once: there is nobody left to escalate to.
 */
export function askingFor(
  onCall: OnCall,
  { rule, dataset }: { readonly rule: string; readonly dataset: string | null },
): Asking {
  const [first, ...others] = onCall.levels;
  if (!first) return { levels: [], rounds: 0 };
  if (rule === 'escalation-exhausted') {
    const timeoutMs = Math.max(...onCall.levels.map((level) => level.timeoutMs));
    return { levels: [{ people: Object.keys(onCall.people), timeoutMs }], rounds: 1 };
  }
  const owners =
    dataset !== null && Object.hasOwn(onCall.owners, dataset) ? onCall.owners[dataset] : undefined;
  return { levels: [{ ...first, people: owners ?? first.people }, ...others], rounds: onCall.rounds };
}

/** Every way to reach people. */
export function contactsOf(
  { people }: OnCall,
  ids: readonly string[],
): readonly (Contact & { readonly person: string })[] {
  return ids.flatMap((person) => (people[person]?.channels ?? []).map((contact) => ({ person, ...contact })));
}

const VARIABLE = /\$([A-Z][A-Z0-9_]*)$/;

/** The variable that a contact's address comes from, where it does. */
export function variableOf(address: string): string | undefined {
  return VARIABLE.exec(address)?.[1];
}

/** The address with its variable's value; undefined where that is not set. */
export function resolvedAddress(
  address: string,
  env: (name: string) => string | undefined,
): string | undefined {
  const name = variableOf(address);
  if (name === undefined) return address;
  const value = env(name);
  return value === undefined ? undefined : address.replace(VARIABLE, () => value);
}

/** Why the variable that a contact's address comes from gives none: its name is told, its value is not (R17). */
export function variableProblem(
  { channel, address }: Contact,
  env: (name: string) => string | undefined,
): { readonly variable: string; readonly problem: 'is not set' | `does not hold ${string}` } | undefined {
  const variable = variableOf(address);
  if (variable === undefined) return undefined;
  const value = env(variable);
  if (value === undefined) return { variable, problem: 'is not set' };
  const { is, what } = ADDRESSES[channel];
  return is(value) ? undefined : { variable, problem: `does not hold ${what.replace(' in quotes', '')}` };
}
