import { createHash, randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { acknowledge, type Database } from '../archive/archive.ts';

/** Bytes of a token: short enough for an SMS, and nobody guesses 128 bits. */
const TOKEN_BYTES = 16;
const TOKEN = /^[A-Za-z0-9_-]{22}$/;

/** Whoever has slept longer than this looks at the archive first. */
const LINK_VALID = '24 hours';

/** Which page a link is for. */
export interface LinkFor {
  readonly alertId: string;
  readonly firing: number;
  /** Who is taken to have acknowledged by it. */
  readonly person: string;
}

/** A link that acknowledges by one POST. Only its token's hash is kept. */
export async function makeLink(
  database: Database,
  publicUrl: string,
  { alertId, firing, person }: LinkFor,
): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  await database.query(
    `insert into nighttrain.alert_link (token_sha256, alert_id, firing, person, expires_at)
     values ($1, $2, $3, $4, clock_timestamp() + $5::interval)`,
    [hashOf(token), alertId, firing, person, LINK_VALID],
  );
  return `${publicUrl}/ack/${token}`;
}

/** An alert as the page behind a link shows it. */
export interface LinkedAlert {
  readonly alertId: string;
  readonly code: number;
  readonly severity: string;
  readonly sentence: string;
  readonly runbook: string;
  readonly person: string;
  /** Whether a POST would still acknowledge it. */
  readonly isOpen: boolean;
}

/** What a link is for; undefined where there is no such link. Looking changes nothing. */
export async function findLink(database: Database, token: string): Promise<LinkedAlert | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const [row] = await database.query<LinkedAlert[]>(
    `select a.alert_id as "alertId", a.code::int, a.severity, a.sentence, a.runbook, l.person,
       l.used_at is null and l.expires_at > clock_timestamp() and l.firing = a.firing and a.state = 'firing' as "isOpen"
     from nighttrain.alert_link l join nighttrain.alert a using (alert_id) where l.token_sha256 = $1`,
    [hashOf(token)],
  );
  return row;
}

/** Escalations that have to look again, where a link has acknowledged its alert; undefined where it changed nothing. */
export async function useLink(warehouse: DataSource, token: string): Promise<readonly string[] | undefined> {
  if (!TOKEN.test(token)) return undefined;
  return warehouse.transaction(async (tx) => {
    // The alert's row is locked: nobody resolves it, or has it fire again, between this look and what follows.
    const [link] = await tx.query<LinkFor[]>(
      `select l.alert_id as "alertId", l.firing, l.person
       from nighttrain.alert_link l join nighttrain.alert a using (alert_id)
       where l.token_sha256 = $1 and l.used_at is null and l.expires_at > clock_timestamp()
         and l.firing = a.firing and a.state = 'firing'
       for update`,
      [hashOf(token)],
    );
    if (!link) return undefined;
    const { alertId, person } = link;
    await tx.query(`update nighttrain.alert_link set used_at = clock_timestamp() where token_sha256 = $1`, [
      hashOf(token),
    ]);
    const { changed } = await acknowledge(tx, { alertId }, { by: person, via: 'link' });
    return changed;
  });
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
