import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** What begins in the first column and can be changed later: a variable, or a collection. */
const STATE = /^(?:export )?(?:let |var |const \w+[^=\n]*= (?:new (?:Map|Set|WeakMap|WeakSet)\b|\[\]|\{\}))/m;

const modules = readdirSync('workflows').filter((name) => name.endsWith('.ts'));

test.each(modules)('what workflows/%s remembers belongs to one run', (name) => {
  expect(readFileSync(`workflows/${name}`, 'utf8')).not.toMatch(STATE);
});
