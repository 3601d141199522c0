import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { lineRedactor } from '../../worker/redacted-line.ts';
import { secretsOf } from '../../worker/secrets.ts';

const redact = lineRedactor(['hunter2-hunter2', 'https://hc.example/ping/3f9a']);

describe('a line of the log', () => {
  test.each([
    ['a known secret', 'the token hunter2-hunter2 was refused', 'the token *** was refused'],
    ['a URL that is a secret', 'GET https://hc.example/ping/3f9a failed', 'GET *** failed'],
    ['a password in a URL', 'postgres://nt:s3cr3t@db/x', 'postgres://nt:***@db/x'],
    ['a bearer token', 'Authorization: Bearer abcdef.ghijkl', 'Authorization: Bearer ***'],
    ['a number', 'To +33612345678 is not a number', 'To +***678 is not a number'],
    ['a number with spaces', 'To +33 6 12 34 56 78!', 'To +***!'],
    ['a mail address', '550 <grace.h@example.com> unknown', '550 <***@example.com> unknown'],
    ['the key of a row', 'Key (email)=(ada@b.org) already exists.', 'Key (email)=(***) already exists.'],
    ['a row', 'Failing row contains (7, Ada, 1815-12-10).', 'Failing row contains (***).'],
    [
      'a value',
      'invalid input syntax for type integer: "Ada L."',
      'invalid input syntax for type integer: "***"',
    ],
    [
      'a number out of range',
      'value "061234567890" is out of range for type integer',
      'value "***" is out of range for type integer',
    ],
  ])('does not show %s', (_what, text, shown) => {
    const inMessage = redact(JSON.stringify({ msg: text }));
    expect(inMessage['msg']).toBe(shown);
    const deep = redact(JSON.stringify({ err: { cause: [{ message: text }] } }));
    expect(deep).toEqual({ err: { cause: [{ message: shown }] } });
  });

  test('does not show what is named like a secret, whatever it looks like', () => {
    const line = JSON.stringify({ url: 'x', twilio: { authToken: 'y', apiKey: 1 }, deadline: 'z' });
    expect(redact(line)).toEqual({
      url: '[secret]',
      twilio: { authToken: '[secret]', apiKey: '[secret]' },
      deadline: 'z',
    });
  });

  test('says the rest as it was', () => {
    const said = {
      msg: '31 of 100 rows, +5 %, 2013-02-08 at 02:00',
      rows: 12_345_678_901,
      ok: true,
      none: null,
    };
    expect(redact(JSON.stringify(said))).toEqual(said);
  });

  test('says an error of ours with its stack', () => {
    const lines: string[] = [];
    pino({ base: null }, { write: (line) => void lines.push(line) }).error({
      err: new Error('to +33612345678'),
    });
    expect(JSON.stringify(redact(lines[0] ?? ''))).not.toContain('33612345');
  });
});

test('secrets are what the environment names like one, passwords in URLs, and URLs that whoever knows them may use', () => {
  const environment = {
    TWILIO_AUTH_TOKEN: 'the-token',
    SMTP_PASSWORD_FILE: '/run/secrets/smtp',
    NIGHTTRAIN_DATABASE_URL: 'postgres://nt:p%40ss@db/x',
    NIGHTTRAIN_DEADMAN_URL: 'https://hc.example/3f9a',
    PATH: '/bin',
  };
  const env = (name: string) =>
    new Map(Object.entries({ ...environment, SMTP_PASSWORD: 'of-a-file' })).get(name);
  expect(secretsOf({ environment, env }).sort()).toEqual(
    ['the-token', 'of-a-file', 'p%40ss', 'p@ss', 'https://hc.example/3f9a'].sort(),
  );
});
