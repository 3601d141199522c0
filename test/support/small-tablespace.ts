import { stat } from 'node:fs/promises';
import { inject } from 'vitest';
import { ask as valueOf } from './house-of-engines.ts';
import { SmallDisk } from './small-disk.ts';
import { ask } from './template.ts';

/** A disk of the shared PostgreSQL that one database may have for itself: nobody else's is full when it is. */
export class SmallTablespace implements AsyncDisposable {
  readonly name: string;
  readonly disk: SmallDisk;

  private constructor(name: string, disk: SmallDisk) {
    this.name = name;
    this.disk = disk;
  }

  static async create(bytes: number): Promise<SmallTablespace> {
    const server = inject('databaseUrl');
    const folder = (await valueOf(server, `select current_setting('data_directory')`)) as string;
    const disk = await SmallDisk.mount(bytes, { owner: await stat(folder) });
    const name = `small_${process.pid}`;
    await ask(server, `create tablespace ${name} location '${disk.folder}'`);
    return new SmallTablespace(name, disk);
  }

  /** Once its database is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await ask(inject('databaseUrl'), `drop tablespace ${this.name}`);
    await this.disk[Symbol.asyncDispose]();
  }
}
