import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OnCallFile, parseOnCall, readOnCall } from '../../alerting/paging/on-call.ts';
import { ConfigurationError } from '../../rules/errors.ts';

const SOUND = `
people:
  ana:
    name: Ana Belém
    channels:
      - sms: '+33612345678'
      - email: ana@example.com
  nights:
    name: the channel of the nights
    channels:
      - webhook: $SLACK_URL
        as: slack
levels:
  - people: [ana]
    timeoutMinutes: 10
  - people: [ana, nights]
    timeoutMinutes: 0.5
quiet: [warn]
owners:
  flights: [nights]
`;

/** What is wrong with a file, line by line. */
function problemsOf(text: string): string[] {
  try {
    parseOnCall(text, ['flights']);
  } catch (error) {
    if (error instanceof ConfigurationError) return (error.detail ?? '').split('\n');
    throw error;
  }
  return [];
}

function projectWith(text: string): string {
  const root = mkdtempSync(join(tmpdir(), 'nighttrain-on-call-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'on-call.yaml'), text);
  return root;
}

describe('an on-call file', () => {
  test('says who is asked, in which order, for how long, and how', () => {
    expect(parseOnCall(SOUND, ['flights'])).toEqual({
      people: {
        ana: {
          name: 'Ana Belém',
          channels: [
            { channel: 'sms', address: '+33612345678' },
            { channel: 'email', address: 'ana@example.com' },
          ],
        },
        nights: {
          name: 'the channel of the nights',
          channels: [{ channel: 'webhook', address: 'slack $SLACK_URL' }],
        },
      },
      levels: [
        { people: ['ana'], timeoutMs: 600_000 },
        { people: ['ana', 'nights'], timeoutMs: 30_000 },
      ],
      rounds: 2,
      quiet: ['warn'],
      owners: { flights: ['nights'] },
    });
  });

  test('as the guide shows it is sound', () => {
    const guide = readFileSync('docs/guides/on-call.md', 'utf8');
    const [, example = ''] = /```yaml\n([^]*?)```/.exec(guide) ?? [];
    expect(problemsOf(example)).toEqual([]);
    expect(parseOnCall(example, ['flights']).levels).toHaveLength(2);
  });

  test('need not be there', () => {
    expect(readOnCall(tmpdir(), [])).toBeUndefined();
  });

  test('that is broken is refused with all of its problems at once, each with its line', () => {
    const broken = `people:
  ana:
    name: ''
    channels:
      - sms: +33612345678
      - email: ana
        phone: '1'
      - webhook: ftp://example.com
      - sms: '+33612345678'
        email: ana@example.com
  Bad Name:
    name: Somebody
    channels: [{ sms: '0612345678' }]
levels:
  - people: [ana, bo, ana]
    timeoutMinutes: soon
  - people: []
    timeoutMinutes: 0
rounds: 11
quiet: [info]
owners:
  flihgts: [ana]
pepole: {}
`;
    expect(problemsOf(broken)).toEqual([
      'line 3: people.ana.name must not be empty',
      `line 5: people.ana.channels[0].sms must be a number in quotes, as '+33612345678', or $NAME`,
      'line 6: people.ana.channels[1].email must be a mail address, or $NAME',
      'line 7: people.ana.channels[1].phone is a field that is not known',
      'line 8: people.ana.channels[2].webhook must be an http(s) URL, or $NAME',
      'line 9: people.ana.channels[3] must have one of sms, email, webhook',
      'line 11: people.Bad Name must be named with a-z, 0-9 and -',
      `line 13: people.Bad Name.channels[0].sms must be a number in quotes, as '+33612345678', or $NAME`,
      'line 15: levels[0].people[1] names "bo", who is not among people',
      'line 15: levels[0].people names somebody twice',
      'line 16: levels[0].timeoutMinutes must be minutes, from 0.02 to 240',
      'line 17: levels[1].people must name somebody',
      'line 18: levels[1].timeoutMinutes must be minutes, from 0.02 to 240',
      'line 19: rounds must be a whole number from 1 to 10',
      'line 20: quiet[0] must be warn, error or critical',
      'line 22: owners.flihgts is no dataset',
      'line 23: pepole is a field that is not known',
    ]);
  });

  test('a webhook says how it wants to be told', () => {
    const text = SOUND.replace('        as: slack\n', '');
    expect(problemsOf(text)).toEqual([
      'line 11: people.nights.channels[0] must have webhook and as (slack, pagerduty, json) together',
    ]);
  });

  test('that is no YAML, or empty, or far too large, or made of aliases is refused too', () => {
    expect(problemsOf('people: [ana\nlevels: x: y\n')[0]).toMatch(/^line 2: /);
    expect(problemsOf('people: {}\npeople: {}\n')).toEqual(['line 2: Map keys must be unique']);
    expect(problemsOf('people: {}\n---\nlevels: []\n')).toEqual([
      'line 2: a second document begins (---): the file must have one',
    ]);
    expect(problemsOf('')).toEqual(['line 1: must have people and levels']);
    expect(problemsOf('#'.repeat(300_000))).toEqual(['it is larger than 256 KiB']);
    const bomb = Array.from(
      { length: 9 },
      (_, i) =>
        `a${i}: &a${i} [${Array(9)
          .fill(i ? `*a${i - 1}` : 1)
          .join()}]`,
    );
    expect(problemsOf(bomb.join('\n'))[0]).toMatch(/alias/i);
  });

  test('no file makes it throw anything else', () => {
    for (const text of [
      '- 1',
      '7',
      'people: 3',
      'people: [1]\nlevels: 4',
      'levels: [1, [2]]',
      '__proto__: {a: 1}',
    ])
      expect(problemsOf(text)).not.toEqual([]);
  });
});

describe('the on-call file of a worker that runs', () => {
  test('is read again when somebody has changed it', () => {
    const root = projectWith(SOUND);
    const file = new OnCallFile(root, ['flights'], pino({ level: 'silent' }));
    expect(file.current?.rounds).toBe(2);
    writeFileSync(join(root, 'on-call.yaml'), `${SOUND}rounds: 5\n`);
    expect(file.current?.rounds).toBe(5);
  });

  test('that is gone pages the people of before, says so once, and is read again when it is back', () => {
    const root = projectWith(SOUND);
    const lines: string[] = [];
    const file = new OnCallFile(root, ['flights'], pino({}, { write: (line) => void lines.push(line) }));
    rmSync(join(root, 'on-call.yaml'));
    expect(file.current?.people['ana']?.name).toBe('Ana Belém');
    expect(file.current?.rounds).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"level":50');
    expect(lines[0]).toContain('the on-call file is gone');
    writeFileSync(join(root, 'on-call.yaml'), `${SOUND}rounds: 5\n`);
    expect(file.current?.rounds).toBe(5);
  });

  test('that comes when there was none is taken up', () => {
    const root = projectWith(SOUND);
    rmSync(join(root, 'on-call.yaml'));
    const file = new OnCallFile(root, ['flights'], pino({ level: 'silent' }));
    expect(file.current).toBeUndefined();
    writeFileSync(join(root, 'on-call.yaml'), SOUND);
    expect(file.current?.rounds).toBe(2);
  });

  test('that somebody has broken pages the people of before, and says so once', () => {
    const root = projectWith(SOUND);
    const lines: string[] = [];
    const file = new OnCallFile(root, ['flights'], pino({}, { write: (line) => void lines.push(line) }));
    writeFileSync(join(root, 'on-call.yaml'), 'people: {}\n');
    expect(file.current?.people['ana']?.name).toBe('Ana Belém');
    expect(file.current?.rounds).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('the on-call file is broken');
  });

  test('that is broken from the start starts no worker', () => {
    const root = projectWith('people: {}');
    expect(() => new OnCallFile(root, [], pino({ level: 'silent' }))).toThrow(ConfigurationError);
  });
});
