// Which columns may still hold values in clear: those in which a validated constraint does not forbid it yet. `bailiwick keys seal`
// validates it when it has sealed the last one. The catalog knows; it is read once, when a server starts.

import type pg from 'pg';
import { ENCRYPTED } from '../../../generated/encrypted.ts';
import type { EncryptedField } from '../../crypto/declared.ts';

/** The name of the constraint that lets only envelopes into a column. */
export function constraintOf({ table, column }: Pick<EncryptedField, 'table' | 'column'>): string {
  return `${table}_${column}_sealed`;
}

/** The columns, by the names of their constraints, in which values in clear are read as they are. */
export async function readUnsealed(client: Pick<pg.Client, 'query'>): Promise<ReadonlySet<string>> {
  const declared = ENCRYPTED.map(constraintOf);
  const { rows } = await client.query<{ name: string }>(
    `select c.conname as name from pg_constraint c
      where c.conname = any ($1) and c.contype = 'c' and c.convalidated and c.connamespace = 'public'::regnamespace`,
    [declared],
  );
  const closed = new Set(rows.map(({ name }) => name));
  return new Set(declared.filter((name) => !closed.has(name)));
}
