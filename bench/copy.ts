import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Makes `bench.constrained`, the business columns as ours are constrained, and `bench.bare`, with nothing on it. */
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

/** Empties the table once the work is done. @throws where nothing was in it: who loads nothing is no rival */
export async function emptied<T>(databaseUrl: string, table: string, work: () => Promise<T>): Promise<T> {
  const answer = await work();
  await withServer(databaseUrl, async (client) => {
    const { rowCount } = await client.query(`select from ${table} limit 1`);
    if (rowCount === 0) throw new Error(`nothing was loaded into ${table}`);
    await client.query(`truncate ${table}`);
  });
  return answer;
}

/** Copies a CSV file with a header into a table, as psql's `\copy` does. */
export function copyFile(databaseUrl: string, table: string, file: string, byPsql: boolean): Promise<void> {
  return (byPsql ? copyByPsql : copyByNode)(databaseUrl, table, file);
}

async function copyByNode(databaseUrl: string, table: string, file: string): Promise<void> {
  const copy = `copy ${table} from stdin with (format csv, header true)`;
  await withServer(databaseUrl, (client) => pipeline(createReadStream(file), client.query(copyFrom(copy))));
}

async function copyByPsql(databaseUrl: string, table: string, file: string): Promise<void> {
  const command = `\\copy ${table} from '${file}' with (format csv, header true)`;
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
