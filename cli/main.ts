import { readFile } from 'node:fs/promises';

/** Runs one command. `argv` as Node has it: the interpreter and the script come first. */
export async function main(argv: string[]): Promise<void> {
  if (argv[2] === '--version') process.stdout.write(`${await version()}\n`);
  else process.exitCode = 2;
}

async function version(): Promise<string> {
  const root = import.meta.url.endsWith('.ts') ? '../' : '../../'; // the sources' folder, or dist/ below it
  const manifest = await readFile(new URL(`${root}package.json`, import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
