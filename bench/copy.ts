import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** What a user would type instead: the table as ours is constrained, or with nothing on it. */
export type Rival = 'constrained' | 'bare';

/** Empty tables for `\copy`, in a schema of their own: the business columns, with or without types' checks and key. */
export async function makeRivals(databaseUrl: string): Promise<void> {
  const columns = `id_mouvement bigint not null, date_op date not null, produit text not null, type_op text not null,
    montant numeric(12, 2) not null, agence_id text not null, pays text not null`;
  await withServer(databaseUrl, (client) =>
    client.query(`
      create schema bench;
      create table bench.bare (${columns.replaceAll(' not null', '')});
      create table bench.constrained (${columns}, primary key (id_mouvement))`),
  );
}

/** One connection to the server, closed after `work`. */
export async function withServer<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Whether psql is there to be measured; otherwise its COPY is sent by pg-copy-streams from the raw bytes. */
export async function hasPsql(): Promise<boolean> {
  const child = spawn('psql', ['--version'], { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false)).on('exit', (code) => resolve(code === 0));
  });
}

/** Milliseconds that the copy of a file into the empty table takes; the table is empty again afterwards. */
export async function timeCopy(
  databaseUrl: string,
  rival: Rival,
  file: string,
  byPsql: boolean,
): Promise<number> {
  const begun = performance.now();
  await (byPsql ? copyByPsql : copyByNode)(databaseUrl, rival, file);
  const ms = performance.now() - begun;
  await withServer(databaseUrl, (client) => client.query(`truncate bench.${rival}`));
  return ms;
}

async function copyByNode(databaseUrl: string, rival: Rival, file: string): Promise<void> {
  const copy = `copy bench.${rival} from stdin with (format csv, header true)`;
  await withServer(databaseUrl, (client) => pipeline(createReadStream(file), client.query(copyFrom(copy))));
}

async function copyByPsql(databaseUrl: string, rival: Rival, file: string): Promise<void> {
  const command = `\\copy bench.${rival} from '${file}' with (format csv, header true)`;
  const child = spawn(
    'psql',
    ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '-c', command, databaseUrl],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}
