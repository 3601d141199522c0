import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseReplayRequest, shortened } from '../../rules/replay-request.ts';

const sound = { dataset: 'fares', businessDate: '2024-03-05', requestedBy: 'Awa', reason: 'restated' };

test('a request in plain JSON is taken as it is, under the id of its arrival unless it names one', () => {
  expect(parseReplayRequest(sound, 'arrival-1')).toMatchObject({
    ...sound,
    requestId: 'arrival-1',
    takeOver: false,
  });
  expect(parseReplayRequest({ ...sound, requestId: 'mine', takeOver: true }, 'arrival-1')).toMatchObject({
    requestId: 'mine',
    takeOver: true,
  });
});

test('a release is carried out from landing alone, and named by an id', () => {
  const release = { ...sound, release: 'release-1' };
  expect(parseReplayRequest({ ...release, input: 'landing' }, 'id')).toMatchObject({ release: 'release-1' });
  expect(parseReplayRequest(release, 'id')).toContain("input must be 'landing'");
  for (const bad of [7, null, '', 'a b', 'x'.repeat(101)]) {
    expect(parseReplayRequest({ ...release, input: 'landing', release: bad }, 'id')).toContain(
      'release must be',
    );
  }
  expect(parseReplayRequest(sound, 'id')).not.toHaveProperty('release');
});

const noText = fc.jsonValue().filter((value) => typeof value !== 'string');

test('whatever else is sent, the answer is a sentence and never an error', () => {
  fc.assert(
    fc.property(fc.anything(), (payload) => {
      expect(['string', 'object']).toContain(typeof parseReplayRequest(payload, 'id'));
    }),
  );
  fc.assert(
    fc.property(noText, fc.constantFrom(...Object.keys(sound)), (value, name) => {
      expect(parseReplayRequest({ ...sound, [name]: value }, 'id')).toBe(`${name} must be a text`);
    }),
  );
});

test('what is kept of a request is bounded', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.stringify(shortened(value)).length).toBeLessThanOrEqual(10_000);
    }),
  );
  expect(shortened({ text: 'x'.repeat(5_000) })).toMatchObject({ characters: 5_011 });
  expect(shortened(sound)).toEqual(sound);
});
