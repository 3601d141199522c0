import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extract } from '../../intake/extract.ts';
import type { LandedPart } from '../../intake/manifest.ts';
import { Pace } from '../../intake/pace.ts';
import { readManifest } from '../../intake/read-part.ts';
import { Unread } from '../../intake/unread.ts';
import { SourceBroken } from '../../rules/errors.ts';
import { readAll, textDataset } from '../support/csv.ts';
import { dayOf, openIntake, refusalOf } from '../support/intake.ts';

/** R2: a night is refused before its end only where nothing that is left of it could save it. */

const day = { dataset: 'notes', businessDate: dayOf('2013-02-01') };

/** Lands files as parts. */
async function land(dataset: ReturnType<typeof textDataset>, files: readonly (string | Uint8Array)[]) {
  const house = await openIntake();
  const of = String(files.length).padStart(5, '0');
  for (const [index, content] of files.entries()) {
    const ending = typeof content === 'string' ? 'csv' : 'csv.gz';
    const name = `2013-02-01-${String(index + 1).padStart(5, '0')}-of-${of}.${ending}`;
    await house.put(`notes/${name}`, content);
  }
  const { manifest } = await extract(dataset, day, 1, house.context);
  const { parts } = await readManifest(house.context, day, manifest);
  const unread = (among: readonly LandedPart[] = parts) =>
    new Unread(dataset, among, house.context, new Pace(house.abort.signal));
  return { ...house, parts, unread };
}

describe('what is unread', () => {
  const two = textDataset(['a', 'b']);

  test('is all lines below the header of the part at hand and of those after it, less what was read', async () => {
    const { unread } = await land(two, ['a,b\n1,x\n', 'a,b\n2,x\n3,x\n4,x', 'a,b\r\n5,x\r\n6,x\r\n', 'a,b']);
    expect(await unread().atMost(1, 0)).toBe(6);
    const from2 = unread();
    expect(await from2.atMost(2, 1)).toBe(4);
    expect(await from2.atMost(2, 3)).toBe(2);
    expect(await from2.atMost(3, 2)).toBe(0);
    expect(await from2.atMost(4, 0)).toBe(0);
  });

  test('is never less than it turns out to be, whatever is in the file', async () => {
    const piece = fc.constantFrom(
      'a',
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      '\r',
      'x,y\n',
      '"q\nr",z\n',
      'z'.repeat(30),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.boolean(), async (pieces, isAlone) => {
        const names = isAlone ? ['a'] : ['a', 'b'];
        const dataset = textDataset(names, {}, { recordBytes: 20 });
        const content = `${names.join(',')}\n${pieces.join('')}`;
        const read = await readAll(dataset, content).catch((error: unknown) => {
          if (!(error instanceof SourceBroken)) throw error;
        });
        fc.pre(read !== undefined); // cut short, and no night
        const { unread } = await land(dataset, [content]);
        expect(await unread().atMost(1, 0)).toBeGreaterThanOrEqual(read.records.length);
      }),
      { numRuns: 100 },
    );
  });

  test('is known of nobody where a file of it is packed; those before it do not matter', async () => {
    const { unread } = await land(two, ['a,b\n1,x\n', gzipSync('a,b\n2,x\n'), 'a,b\n3,x\n']);
    expect(await unread().atMost(1, 0)).toBeUndefined();
    expect(await unread().atMost(3, 0)).toBe(1);
  });

  test('is not looked up in a file that is not the one that landed', async () => {
    const { unread, parts } = await land(two, ['a,b\n1,x\n']);
    const [part] = parts as [LandedPart];
    const files = part.files.map((file) => ({ ...file, sha256: '0'.repeat(64) }));
    const looked = unread([{ ...part, files }]).atMost(1, 0);
    expect(await refusalOf(looked)).toMatchObject({ name: 'LandingCorrupt' });
  });
});
