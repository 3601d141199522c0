import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REPERTOIRE } from '../chaos/repertoire.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const page = readFileSync(join(DOCS, 'faults.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| '));
const names = REPERTOIRE.map(({ name }) => name);

test('docs/faults.md names every fault of the repertoire', () => {
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('docs/faults.md names no fault that nobody strikes', () => {
  const inDriver = rows.flatMap((row) => [...(row.split(' | ')[1] ?? '').matchAll(/`([^`]+)`/g)]);
  expect(inDriver.length).toBeGreaterThan(0);
  expect(inDriver.map(([, name = '']) => name).filter((name) => !names.includes(name))).toEqual([]);
});

test('every test that docs/faults.md names is there', () => {
  const named = [...page.matchAll(/\]\(([^)]+\.test\.ts)\)(?: › “([^”]+)”)?/g)];
  expect(named.length).toBeGreaterThan(0);
  const lost = named.filter(([, file = '', title = '']) => {
    const path = join(DOCS, file);
    return !existsSync(path) || !readFileSync(path, 'utf8').includes(title);
  });
  expect(lost.map(([text]) => text)).toEqual([]);
});
