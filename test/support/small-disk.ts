import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who may write to it, by the system's numbers. */
interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A file system so small that it is full for everybody who writes there; it grows while it is in use. Linux, by root or
 * where sudo asks for no password.
 */
export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param folder where it is mounted; by default where every user of the machine can reach it */
  static async mount(
    bytes: number,
    {
      folder = join(tmpdir(), `nighttrain-disk-${randomUUID()}`),
      owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    }: { readonly folder?: string; readonly owner?: Owner } = {},
  ): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true });
    const options = `size=${Math.floor(bytes)},mode=0700,uid=${owner.uid},gid=${owner.gid}`;
    await asRoot('mount', '-t', 'tmpfs', '-o', options, 'nighttrain-test', folder);
    return new SmallDisk(folder);
  }

  async resize(bytes: number): Promise<void> {
    await asRoot('mount', '-o', `remount,size=${bytes}`, this.folder);
  }

  /** Bytes that are taken, also by files that have no name any more. */
  async used(): Promise<number> {
    const { blocks, bfree, bsize } = await statfs(this.folder);
    return (blocks - bfree) * bsize;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await asRoot('umount', '--lazy', this.folder); // somebody may be looking at it
    await rm(this.folder, { recursive: true });
  }
}

async function asRoot(...command: readonly string[]): Promise<void> {
  const [file = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command];
  await run(file, args).catch((cause: unknown) => {
    throw new Error('A disk that is full takes the right to mount one: root, or sudo without a password', {
      cause,
    });
  });
}
