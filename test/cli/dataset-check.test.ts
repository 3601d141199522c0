import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

let here: TestInstallation;
beforeAll(async () => {
  here = await openInstallation();
});
afterAll(() => here[Symbol.asyncDispose]());

/** Of a file of customers with these rows. */
async function check(...rows: string[]) {
  const file = join(here.home, 'customers.csv');
  await writeFile(file, ['customer_id,name,born,country,since', ...rows, ''].join('\n'));
  return here.run(['dataset', 'check', 'bank-customers', file]);
}

const SOUND = '1,Ana,1990-01-31,ES,2020-05-01';
const BAD = 'x,Ana,1990-01-31,ES,2020-05-01';

test('sound rows end with exit code 0, also where a key comes twice: that is the warehouse’s to check, as its help says', async () => {
  expect(await check(SOUND, SOUND)).toMatchObject({ code: 0 });
  const { stdout } = await here.run(['dataset', 'check', '--help']);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'keys that come twice and references are the warehouse’s to check',
  );
});

test('R3: a file that a night would refuse as empty ends with exit code 1', async () => {
  const { code, stdout } = await check();
  expect(stdout).toContain('A night of this file would be refused: it is empty.');
  expect(code).toBe(1);
});

test('R2: a night of too many rejected rows would be refused, and is not where its share is within the limit', async () => {
  const past = await check(BAD, SOUND);
  expect(past.stdout).toContain('A night of this file would be refused: the limit is 30 % rejected.');
  expect(past.code).toBe(1);
  const within = await check(BAD, SOUND, SOUND, SOUND);
  expect(within.stdout).not.toContain('would be refused');
  expect(within.code).toBe(1); // a row is rejected
});
