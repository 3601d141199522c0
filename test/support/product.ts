import { execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sharedEngines } from './shared-engines.ts';

/** Types are `npm run check`'s to judge: a test run must not end with one that is half written elsewhere. */
const UNCHECKED = ['--noCheck', '--noEmitOnError', 'false', '--declaration', 'false'];

/**
 * Makes the package as a user installs it, once for the whole test run: a command that starts from the sources takes
 * twice the processor time of one that is JavaScript.
 */
export async function buildProduct(runFolder: string): Promise<void> {
  const product = join(runFolder, 'product');
  await mkdir(product);
  await symlink(resolve('node_modules'), join(product, 'node_modules'));
  for (const part of ['bin', 'data', 'package.json'])
    await cp(part, join(product, part), { recursive: true });
  const build = ['scripts/build.mjs', join(product, 'dist'), ...UNCHECKED];
  await promisify(execFile)(process.execPath, build);
}

/** Where a user's project has it in node_modules. */
export function packageFolder(): string {
  return join(sharedEngines().runFolder, 'product');
}

/** What `npx nighttrain` starts. */
export function nighttrainBin(): string {
  return join(packageFolder(), 'bin/nighttrain.js');
}

/** The project that this repository is, as JavaScript. */
export function builtProject(): string {
  return join(packageFolder(), 'dist');
}
