import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { lineRedactor } from '../../worker/redacted-line.ts';
import { ConfigurationError } from '../../rules/errors.ts';
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

describe('secrets', () => {
  const secretsIn = (
    environment: Record<string, string>,
    ofFiles: Record<string, string> = {},
    onCall = '',
  ) => {
    const projectRoot = mkdtempSync(join(tmpdir(), 'nighttrain-secrets-'));
    if (onCall !== '') writeFileSync(join(projectRoot, 'on-call.yaml'), onCall);
    const values = new Map(Object.entries({ ...environment, ...ofFiles }));
    const found = secretsOf({ environment, env: (name) => values.get(name), projectRoot });
    rmSync(projectRoot, { recursive: true });
    return new Set(found.filter((secret) => secret !== ''));
  };

  test('are what the environment names like one, passwords in URLs, and URLs that whoever knows them may use', () => {
    const environment = {
      TWILIO_AUTH_TOKEN: 'the-token',
      SMTP_PASSWORD_FILE: '/run/secrets/smtp',
      NIGHTTRAIN_DATABASE_URL: 'postgres://nt:p%40ss@db/x',
      NIGHTTRAIN_DEADMAN_URL: 'https://hc.example/3f9a',
      PATH: '/bin',
    };
    expect(secretsIn(environment, { SMTP_PASSWORD: 'of-a-file' })).toEqual(
      new Set(['the-token', 'of-a-file', 'p%40ss', 'p@ss', 'https://hc.example/3f9a']),
    );
  });

  test('are passwords in URLs that stand in a file', () => {
    const environment = {
      NIGHTTRAIN_DATABASE_URL_FILE: '/run/secrets/db',
      SMTP_URL_FILE: '/run/secrets/smtp',
    };
    const ofFiles = {
      NIGHTTRAIN_DATABASE_URL: 'postgres://nt:hunter22@db/x',
      SMTP_URL: 'smtps://u:mailpass@h',
    };
    expect(secretsIn(environment, ofFiles)).toEqual(new Set(['hunter22', 'mailpass']));
  });

  test('are none in a file that cannot be read: one that is nobody’s of ours stops no command', () => {
    const projectRoot = mkdtempSync(join(tmpdir(), 'nighttrain-secrets-'));
    const environment = { SOMEBODYS_URL_FILE: '/root/of-somebody-else', SMTP_PASSWORD: 'of-smtp' };
    const env = (name: string) => {
      if (name === 'SOMEBODYS_URL') throw new ConfigurationError('SOMEBODYS_URL_FILE cannot be read');
      return environment[name as keyof typeof environment];
    };
    expect(secretsOf({ environment, env, projectRoot })).toEqual(['of-smtp']);
    rmSync(projectRoot, { recursive: true });
  });

  test('are passwords that no URL escapes as it should', () => {
    expect(secretsIn({ SMTP_URL: 'smtps://u:100%pass@h:465' })).toEqual(new Set(['100%pass']));
  });

  test('are addresses that the on-call file takes from the environment, whatever they are called', () => {
    const onCall =
      'people: { ana: { channels: [{ webhook: $SLACK_URL, as: slack }, { sms: $ANA }] } } # broken: [';
    const environment = {
      SLACK_URL: 'https://hooks.slack.example/T0/B0/x',
      ANA: '+33612345678',
      HOME: '/root',
    };
    expect(secretsIn(environment, {}, onCall)).toEqual(new Set([environment.SLACK_URL, environment.ANA]));
  });
});
