import type { OnCall } from '../../rules/on-call.ts';

/** Two levels of one person each; nobody is paged for a warning. */
export const ON_CALL: OnCall = {
  people: {
    ada: { name: 'Ada', channels: [{ channel: 'sms', address: '+33612345678' }] },
    grace: { name: 'Grace', channels: [{ channel: 'email', address: 'grace@example.com' }] },
  },
  levels: [
    { people: ['ada'], timeoutMs: 600_000 },
    { people: ['grace'], timeoutMs: 600_000 },
  ],
  rounds: 1,
  quiet: ['warn'],
  owners: {},
};
