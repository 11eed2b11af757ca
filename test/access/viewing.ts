// Looking on with an agent's eyes, in SQL: tickets that name a delegation to look through, and what every table then shows. For the
// tests of the kernel's part of it; nothing here knows what is allowed.

import { SCOPES } from '../../src/capabilities.ts';
import { issueTicket } from '../../src/db/ticket.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import { ISSUER, KEY, type Sql } from '../kit/as.ts';

export type Looking = {
  readonly viewAs: DelegationId;
  readonly delegation?: DelegationId;
  readonly scopes?: readonly string[];
  readonly tokenExpiresAt?: Date;
};

/** A signed ticket of somebody who wants to see what a delegate sees: the two parameters of `bailiwick.open`. */
export const lookingTicket = (actor: ActorName, { scopes = SCOPES, ...looking }: Looking): [string, string] =>
  issueTicket(
    {
      kind: 'token',
      tenant: ACTORS[actor].tenant,
      issuer: ISSUER,
      subject: actor,
      tokenExpiresAt: new Date(Date.now() + 600_000),
      tokenIssuedAt: new Date(),
      requestId: newId(),
      scopes,
      ...looking,
    },
    KEY,
  );

/** Every table that the runtime role may read, and the ids of the rows that it sees there now. */
export async function sight(sql: Sql): Promise<Record<string, string[]>> {
  const tables = await sql.list(
    `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'id'
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and has_column_privilege(c.oid, a.attnum, 'select')`,
  );
  const seen: Record<string, string[]> = {};
  for (const table of tables) {
    seen[table] = await sql.list(`select id from public."${table}"`);
  }
  return seen;
}
