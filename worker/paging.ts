import { z } from 'zod';
import type { Channels } from '../alerting/channels/channel.ts';
import type { EmailSetup } from '../alerting/channels/email.ts';
import type { SmsSetup } from '../alerting/channels/sms.ts';
import { PHONE_NUMBER } from '../rules/on-call.ts';

/** Where the outside calls us: Twilio, and people who follow a link. */
export interface CallbackSetup {
  /** What the outside calls; signatures are over this. Without a slash at its end. */
  readonly publicUrl: string;
  readonly host: string;
  readonly port: number;
}

/** What of the environment is about reaching people. */
export interface Paging {
  readonly sms: SmsSetup | undefined;
  readonly email: EmailSetup | undefined;
  readonly pagerDutyRoutingKey: string | undefined;
  /** Undefined where nobody outside can call us. */
  readonly callbacks: CallbackSetup | undefined;
  /** What Twilio signs its callbacks with; an API key cannot check signatures. */
  readonly twilioAuthToken: string | undefined;
}

export const NO_PAGING: Paging = {
  sms: undefined,
  email: undefined,
  pagerDutyRoutingKey: undefined,
  callbacks: undefined,
  twilioAuthToken: undefined,
};

const SHORT_CODE = /^\d{3,8}$/;
const SENDER_NAME = /^(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}$/;

const sid = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}[0-9a-fA-F]{32}$`), `is not ${prefix} and 32 hexadecimal digits`)
    .optional();

const url = (schemes: readonly string[], what: string) =>
  z
    .string()
    .refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol), `is not ${what}`)
    .optional();

const isPort = (text: string) => {
  const port = Number(text.split(':').at(-1));
  return port > 0 && port < 65_536;
};

/** A base that paths are put behind. */
const baseUrl = url(['https:', 'http:'], 'an http(s) URL').refine(
  (text) => text === undefined || !/[?#]/.test(text),
  'has a query',
);

export const PAGING_VARIABLES = {
  TWILIO_ACCOUNT_SID: sid('AC'),
  TWILIO_AUTH_TOKEN: z.string().optional(),
  TWILIO_API_KEY: sid('SK'),
  TWILIO_API_SECRET: z.string().optional(),
  TWILIO_FROM: z
    .string()
    .refine(
      (text) => [PHONE_NUMBER, SHORT_CODE, SENDER_NAME].some((form) => form.test(text)),
      "is neither a number as +15005550006 nor a sender's name",
    )
    .optional(),
  TWILIO_MESSAGING_SERVICE_SID: sid('MG'),
  TWILIO_REPLIES: z.enum(['yes', 'no'], 'is neither yes nor no').optional(),
  TWILIO_API_URL: baseUrl,
  SMTP_URL: url(['smtp:', 'smtps:'], 'an smtp:// or smtps:// URL'),
  SMTP_FROM: z
    .string()
    .regex(/^([^<>\r\n]*<)?[^\s@<>]+@[^\s@<>]+>?$/, 'is no mail address')
    .optional(),
  PAGERDUTY_ROUTING_KEY: z
    .string()
    .regex(/^\S{32}$/, 'does not have 32 characters')
    .optional(),
  NIGHTTRAIN_PUBLIC_URL: baseUrl,
  NIGHTTRAIN_CALLBACK_PORT: z
    .string()
    .refine((text) => /^([^\s:]+:)?\d+$/.test(text) && isPort(text), 'is not a port, or host:port')
    .optional(),
};

type Name = keyof typeof PAGING_VARIABLES;
type Values = { readonly [name in Name]?: string | undefined };

/** What is wrong with the variables taken together. */
export function pagingProblems(values: Values): readonly string[] {
  const isSet = (name: Name) => values[name] !== undefined;
  const problems: [boolean, string][] = [
    [
      isSet('TWILIO_ACCOUNT_SID') && !isSet('TWILIO_AUTH_TOKEN') && !isSet('TWILIO_API_KEY'),
      'TWILIO_ACCOUNT_SID needs TWILIO_AUTH_TOKEN, or TWILIO_API_KEY with TWILIO_API_SECRET',
    ],
    [
      isSet('TWILIO_API_KEY') !== isSet('TWILIO_API_SECRET'),
      'TWILIO_API_KEY and TWILIO_API_SECRET are set together, or not at all',
    ],
    [
      isSet('TWILIO_ACCOUNT_SID') && isSet('TWILIO_FROM') === isSet('TWILIO_MESSAGING_SERVICE_SID'),
      'TWILIO_ACCOUNT_SID needs one of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID',
    ],
    [
      !isSet('TWILIO_ACCOUNT_SID') &&
        (
          ['TWILIO_AUTH_TOKEN', 'TWILIO_API_KEY', 'TWILIO_FROM', 'TWILIO_MESSAGING_SERVICE_SID'] as const
        ).some(isSet),
      'TWILIO_ACCOUNT_SID is missing, and other variables of Twilio are set',
    ],
    [isSet('SMTP_URL') !== isSet('SMTP_FROM'), 'SMTP_URL and SMTP_FROM are set together, or not at all'],
    [
      isSet('NIGHTTRAIN_PUBLIC_URL') !== isSet('NIGHTTRAIN_CALLBACK_PORT'),
      'NIGHTTRAIN_PUBLIC_URL and NIGHTTRAIN_CALLBACK_PORT are set together, or not at all',
    ],
    [
      values.TWILIO_REPLIES === 'yes' && !(isSet('NIGHTTRAIN_PUBLIC_URL') && isSet('TWILIO_AUTH_TOKEN')),
      'TWILIO_REPLIES is yes, which needs NIGHTTRAIN_PUBLIC_URL, and TWILIO_AUTH_TOKEN to check signatures',
    ],
  ];
  return problems.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
}

/** The variables, checked, as what they mean. */
export function pagingOf(values: Values): Paging {
  const callbacks = callbacksOf(values);
  const { SMTP_URL: smtpUrl, SMTP_FROM: from } = values;
  return {
    sms: smsOf(values, callbacks),
    email: smtpUrl !== undefined && from !== undefined ? { smtpUrl, from } : undefined,
    pagerDutyRoutingKey: values.PAGERDUTY_ROUTING_KEY,
    callbacks,
    twilioAuthToken: values.TWILIO_AUTH_TOKEN,
  };
}

function callbacksOf(values: Values): CallbackSetup | undefined {
  const { NIGHTTRAIN_PUBLIC_URL: publicUrl, NIGHTTRAIN_CALLBACK_PORT: place } = values;
  if (publicUrl === undefined || place === undefined) return undefined;
  const [port = '', host = '127.0.0.1'] = place.split(':').toReversed();
  return { publicUrl: publicUrl.replace(/\/+$/, ''), host, port: Number(port) };
}

function smsOf(values: Values, callbacks: CallbackSetup | undefined): SmsSetup | undefined {
  const { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken } = values;
  const { TWILIO_API_KEY: key, TWILIO_API_SECRET: secret } = values;
  const { TWILIO_FROM: from = '', TWILIO_MESSAGING_SERVICE_SID: messagingServiceSid } = values;
  if (accountSid === undefined) return undefined;
  const hears = callbacks !== undefined && authToken !== undefined;
  return {
    account: {
      accountSid,
      authToken,
      apiKey: key !== undefined && secret !== undefined ? { sid: key, secret } : undefined,
      apiUrl: values.TWILIO_API_URL,
    },
    sender: messagingServiceSid === undefined ? { from } : { messagingServiceSid },
    statusCallback: hears ? `${callbacks.publicUrl}/twilio/status` : undefined,
    // A number can be replied to in many countries, a name in none; of a messaging service nobody knows before.
    canReply: hears && (values.TWILIO_REPLIES ?? (PHONE_NUMBER.test(from) ? 'yes' : 'no')) === 'yes',
  };
}

/** The ways to reach a person that are set up here. Twilio's SDK, a third of a second to load, only where it is used. */
export async function channelsOf({ sms, email, pagerDutyRoutingKey }: Paging): Promise<Channels> {
  const { Webhook } = await import('../alerting/channels/webhook.ts');
  return {
    webhook: new Webhook({ pagerDutyRoutingKey }),
    ...(email && { email: new (await import('../alerting/channels/email.ts')).Email(email) }),
    ...(sms && { sms: new (await import('../alerting/channels/sms.ts')).Sms(sms) }),
  };
}
