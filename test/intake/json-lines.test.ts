import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentsOf, jsonLine } from '../../intake/json-lines.ts';

async function* inChunks(bytes: Buffer, size: number, given: number[] = []): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    given.push(at);
    yield bytes.subarray(at, at + size);
  }
}

test('documents come back from their lines, however the bytes are cut', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\r\n', '\u2028', 'santé', ' '.repeat(90)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 6 }),
      fc.integer({ min: 1, max: 40 }),
      async (texts, size) => {
        const bytes = Buffer.from(texts.map((raw) => jsonLine({ raw })).join(''));
        const documents = [];
        for await (const document of documentsOf(inChunks(bytes, size))) documents.push(document);
        expect(documents).toEqual(texts.map((raw) => ({ raw })));
      },
    ),
    { numRuns: 500 },
  );
});

test('whoever has enough of a file ends its reading', async () => {
  const bytes = Buffer.from(jsonLine({ raw: 'a row' }).repeat(10_000));
  const given: number[] = [];
  for await (const document of documentsOf(inChunks(bytes, 64, given))) {
    expect(document).toEqual({ raw: 'a row' });
    break;
  }
  expect(given).toHaveLength(1);
});
