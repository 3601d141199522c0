import { describe, expect, test } from 'vitest';
import {
  askingFor,
  contactsOf,
  isPaged,
  resolvedAddress,
  variableProblem,
  type OnCall,
} from '../../rules/on-call.ts';

const onCall: OnCall = {
  people: {
    ana: { name: 'Ana', channels: [{ channel: 'sms', address: '+33612345678' }] },
    bo: {
      name: 'Bo',
      channels: [
        { channel: 'email', address: 'bo@example.com' },
        { channel: 'webhook', address: 'slack $SLACK_URL' },
      ],
    },
    cleo: { name: 'Cleo', channels: [{ channel: 'sms', address: '+33687654321' }] },
  },
  levels: [
    { people: ['ana'], timeoutMs: 600_000 },
    { people: ['bo'], timeoutMs: 900_000 },
  ],
  rounds: 3,
  quiet: ['warn'],
  owners: { flights: ['cleo', 'ana'] },
};

describe('whom an alert pages', () => {
  test('nobody, where there is no on-call file, or where its severity is quiet', () => {
    expect(isPaged(undefined, 'critical')).toBe(false);
    expect(isPaged(onCall, 'warn')).toBe(false);
    expect(isPaged(onCall, 'error')).toBe(true);
  });

  test('level after level, as the file has them', () => {
    const asking = askingFor(onCall, { rule: 'empty-source', dataset: 'airports' });
    expect(asking).toEqual({ levels: onCall.levels, rounds: 3 });
    expect(askingFor(onCall, { rule: 'temporal-down', dataset: null })).toEqual(asking);
  });

  test("a dataset's owners in the place of level 1, with level 1's time", () => {
    const { levels } = askingFor(onCall, { rule: 'empty-source', dataset: 'flights' });
    expect(levels).toEqual([{ people: ['cleo', 'ana'], timeoutMs: 600_000 }, onCall.levels[1]]);
  });

  test('a dataset that is called like a property of every object has no owners', () => {
    const { levels } = askingFor(onCall, { rule: 'empty-source', dataset: 'constructor' });
    expect(levels).toEqual(onCall.levels);
  });

  test('everybody at once and only once, when nobody has answered', () => {
    expect(askingFor(onCall, { rule: 'escalation-exhausted', dataset: 'flights' })).toEqual({
      levels: [{ people: ['ana', 'bo', 'cleo'], timeoutMs: 900_000 }],
      rounds: 1,
    });
  });

  test('a person on all of their channels', () => {
    expect(contactsOf(onCall, ['bo', 'nobody'])).toEqual([
      { person: 'bo', channel: 'email', address: 'bo@example.com' },
      { person: 'bo', channel: 'webhook', address: 'slack $SLACK_URL' },
    ]);
  });
});

describe('an address that is a secret', () => {
  const env = (name: string) => new Map([['SLACK_URL', 'https://hooks.example.com/$1/$&']]).get(name);

  test('comes from the variable that it names', () => {
    expect(resolvedAddress('slack $SLACK_URL', env)).toBe('slack https://hooks.example.com/$1/$&');
    expect(resolvedAddress('+33612345678', env)).toBe('+33612345678');
  });

  test('is no address where its variable is not set, or holds something else', () => {
    expect(resolvedAddress('$NOBODY', env)).toBeUndefined();
    expect(variableProblem({ channel: 'sms', address: '$NOBODY' }, env)?.problem).toBe('is not set');
    expect(variableProblem({ channel: 'sms', address: '$SLACK_URL' }, env)).toEqual({
      variable: 'SLACK_URL',
      problem: "does not hold a number, as '+33612345678'",
    });
    expect(variableProblem({ channel: 'webhook', address: 'slack $SLACK_URL' }, env)).toBeUndefined();
  });
});
