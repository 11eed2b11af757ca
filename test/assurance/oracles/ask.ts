// Asking: every attempt of an attacker, in one transaction of its own, each in a savepoint that is rolled back; and all
// that comes back, as one text. Whatever an attacker can observe is in it: rows, counts, every field of an error,
// whether the statement had to wait, and whether the transaction can go on.
//
// Waiting is noticed by lock_timeout, which turns it into SQLSTATE 55P03; no clock is read here.

import pg, { type QueryResult } from 'pg';
import { newId } from '../../../src/ids.ts';
import { type Acting, type Database, ticket, trustTickets } from '../../kit/as.ts';
import type { Attacker } from './attackers.ts';
import type { Attempt } from './statements.ts';

/** Of every context alike, because functions answer with it. */
const SAME: Acting = { requestId: newId(), tokenExpiresAt: new Date(Date.now() + 3_600_000) };

/** Long enough for a lock that is only passing through, short enough for some hundred that are not. */
const PATIENCE = '20ms';

/** Everybody may set these; without indexes, rows out of sight are looked at before they are dropped. */
const ARMS = [`lock_timeout = '${PATIENCE}'`, 'enable_indexscan = off', 'enable_bitmapscan = off'];

/** The answers to attempts, in their order; one more for the notices that came along. */
export async function ask(
  database: Database,
  { voice }: Attacker,
  attempts: readonly Attempt[],
): Promise<string[]> {
  await trustTickets(database);
  const client = new pg.Client({ connectionString: database.runtimeUrl, pipeline: true });
  await client.connect();
  const notices: string[] = [];
  client.on('notice', (notice) => notices.push(everything(notice)));
  const send = (text: string, values?: unknown[]) => client.query(text, values).then(result, refusal);
  try {
    const begun = send('begin isolation level read committed');
    const opened = client.query(
      'select bailiwick.open($1, $2) is not null',
      ticket(voice.actor, { ...voice, ...SAME }),
    );
    const armed = ARMS.map((setting) => send(`set local ${setting}`));
    const saved = send('savepoint attempt');
    const answers = attempts.map(async ({ text, values }) => {
      const answer = send(text, [...values]);
      const usable = send('select 1 as usable');
      void send('rollback to savepoint attempt');
      return `${await answer} then ${await usable}`;
    });
    const ended = send('rollback');
    await opened;
    await Promise.all([begun, ...armed, saved, ...answers, ended]);
    return [...(await Promise.all(answers)), notices.join('\n')];
  } finally {
    await client.end();
  }
}

function result({ command, rowCount, rows }: QueryResult): string {
  return `${command} ${rowCount} ${JSON.stringify(rows)}`;
}

/** What PostgreSQL says; anything else, such as a connection that is gone, is no answer. */
function refusal(error: unknown): string {
  if (error instanceof pg.DatabaseError) {
    return everything(error);
  }
  throw error;
}

/** Every field that PostgreSQL sent. */
function everything(error: object): string {
  const fields = Object.entries(error).filter(([name, value]) => value !== undefined && name !== 'length');
  const { message } = error as { message?: string };
  return JSON.stringify({ message, ...Object.fromEntries(fields) });
}
