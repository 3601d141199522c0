import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './processes.ts';

/** Makes a folder and those above it. Not mkdir's `recursive`: below /proc, where nothing can be made, Node 20 tries for ever. */
export async function makeFolder(folder: string): Promise<void> {
  if ((await tried(folder)) === 'made') return;
  await makeFolder(dirname(folder));
  if ((await tried(folder)) !== 'made') await mkdir(folder); // which says why not
}

async function tried(folder: string): Promise<'made' | 'has no parent'> {
  try {
    await mkdir(folder);
    return 'made';
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'made';
    if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    return 'has no parent';
  }
}
