import { afterEach, expect, test, vi } from 'vitest';
import { Output } from '../../cli/output.ts';

const said: string[] = [];
const keep = (text: string | Uint8Array) => {
  said.push(String(text));
  return true;
};
afterEach(() => {
  vi.restoreAllMocks();
  said.length = 0;
});

/** Renames the window, clears the screen, rings, goes back, and does so once more in eight-bit control characters. */
const EVIL = 'a\u001b]0;mine\u0007b\u001b[2Jc\rd\b\u009b2Je\u0000f';
const PLAIN = 'a]0;mineb[2Jcd2Jef';

test('what a source or a person wrote does not speak to the terminal', () => {
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  const output = new Output(false);
  output.line(EVIL);
  output.note(EVIL);
  output.error(new Error(EVIL));
  output.table(['WHAT'], [[EVIL]]);
  expect(said.map((text) => text.trimEnd())).toEqual([PLAIN, PLAIN, PLAIN, 'WHAT', PLAIN]);
});

test('lines, tabs and colours are shown as they are', () => {
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  new Output(false).line('one\n\ttwo \u001b[1;31mred\u001b[0m');
  expect(said).toEqual(['one\n\ttwo \u001b[1;31mred\u001b[0m\n']);
});
