import { expect, test } from 'vitest';
import { redactor } from '../../alerting/redact.ts';
import { Transcript } from '../../alerting/runbook/transcript.ts';

test('R17: a transcript holds no secret: neither one that is known, nor what looks like one', () => {
  const transcript = new Transcript(redactor(['correct horse', 'abc']));
  transcript.add('login with correct horse');
  transcript.add('postgres://loader:hunter22@db/nighttrain');
  transcript.add('Authorization: Bearer eyJhbGciOi.x.y');
  transcript.add('TWILIO_AUTH_TOKEN=0123456789abcdef, password: "two words"');
  transcript.add('paged +33612345678');
  expect(transcript.toString().split('\n')).toEqual([
    'login with ***',
    'postgres://loader:***@db/nighttrain',
    'Authorization: Bearer ***',
    'TWILIO_AUTH_TOKEN=***, password: ***',
    'paged +***678',
  ]);
});

test('R14: of a step that never stops talking, the beginning and the end are kept', () => {
  const transcript = new Transcript((line) => line);
  for (let line = 0; line < 100_000; line++) transcript.add(`line ${line}`);
  transcript.begin();
  transcript.add('the next step');
  const kept = transcript.toString();
  expect(kept.length).toBeLessThan(20_000);
  expect(kept).toMatch(/^line 0\n/);
  expect(kept).toMatch(/lines are left out[^]*line 99999\nthe next step$/);
});
