import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

const DAY = ['insurance-movements', '2024-05-01'] as const;
const HEADER = 'id_mouvement,date_op,produit,type_op,montant,agence_id,pays';
const BAD = 100_500;
const SOUND = 300_000;
/** Behind all others; no row of theirs has room in quarantine's table. */
const FIRST_COPY = BAD + SOUND + 1;

const rowOf = (id: number, amount: string) => `${id},2024-05-02,auto,cotisation,${amount},AG_001,FR`;

let here: TestInstallation;
beforeAll(async () => {
  here = await openInstallation();
  await Promise.all([here.up(), mkdir(join(here.inbox, DAY[0]), { recursive: true })]);
  const lines = Array.from({ length: BAD + SOUND }, (_, row) => rowOf(row, row < BAD ? 'much' : '1.50'));
  const copies = ['2.00', '3.00'].map((amount) => rowOf(BAD + SOUND, amount));
  await writeFile(join(here.inbox, DAY[0], `${DAY[1]}.csv`), [HEADER, ...lines, ...copies, ''].join('\n'));
  const { code, stderr } = await here.run(['run', DAY[0], '--date', DAY[1]]);
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => here[Symbol.asyncDispose]());

async function answer<Document>(...line: string[]): Promise<Document> {
  const { code, stdout, stderr } = await here.run(['quarantine', ...line, '--json']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Document;
}

interface Shown {
  readonly isMore: boolean;
  readonly rows: readonly { readonly record: number; readonly raw: string }[];
}

describe('of a night that rejected more rows than the table holds', () => {
  test('every rule is listed, also one of which the table holds no row', async () => {
    const { rejected, rules } = await answer<{
      rejected: number;
      rules: { rule: string; rows: number; kept: number }[];
    }>('list', ...DAY);
    expect(rejected).toBe(BAD + 2);
    expect(rules).toMatchObject([
      { rule: 'not-a-decimal', rows: BAD, kept: 100_000 },
      { rule: 'ambiguous-key', rows: 2, kept: 0 },
    ]);
    const listed = await here.run(['quarantine', 'list', ...DAY]);
    expect(listed.stdout).toMatch(/ambiguous-key +2 .*quarantine show --rule/);
  });

  test('the rows of such a rule are shown, from landing', async () => {
    const shown = await answer<Shown>('show', ...DAY, '--rule', 'ambiguous-key');
    expect(shown).toMatchObject({ isMore: false });
    expect(shown.rows).toMatchObject([
      { record: FIRST_COPY, raw: rowOf(BAD + SOUND, '2.00') },
      { record: FIRST_COPY + 1, raw: rowOf(BAD + SOUND, '3.00') },
    ]);
    const first = await answer<Shown>('show', ...DAY, '--rule', 'ambiguous-key', '--limit', '1');
    expect(first).toMatchObject({ isMore: true, rows: [{ record: FIRST_COPY }] });
    expect(await answer<Shown>('show', ...DAY, '--rule', 'nothing')).toMatchObject({
      isMore: false,
      rows: [],
    });
  });

  test('its rows can be corrected by a file, and what became of all that were released is counted', async () => {
    const corrected = join(here.home, 'corrected.csv');
    const release = (record: number) =>
      writeFile(corrected, `part,record,${HEADER}\n1,${record},${rowOf(BAD + SOUND + 1, '3.00')}\n`).then(
        () =>
          here.run([
            'quarantine',
            'release',
            ...DAY,
            '--reason',
            'the last one had a number of its own',
            '--file',
            corrected,
          ]),
      );
    const refused = await release(FIRST_COPY - 1);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('did not reject') as unknown });
    expect(await release(FIRST_COPY + 1)).toMatchObject({ code: 0 });
    const { releases } = await answer<{
      releases: { counts: { rule: string; became: string; rows: number }[] }[];
    }>('releases', ...DAY);
    expect(releases).toHaveLength(1);
    expect(releases[0]?.counts).toEqual([
      { rule: 'ambiguous-key', became: 'staged', becameRule: null, rows: 2 },
      { rule: 'not-a-decimal', became: 'rejected', becameRule: 'not-a-decimal', rows: BAD },
    ]);
  });
});
