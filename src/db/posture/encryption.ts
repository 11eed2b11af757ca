// The posture of encrypted columns: what schema.prisma declares encrypted, the database must refuse to take in clear.
//
// A server that forgot to seal would write values in clear without anybody noticing; here it does not start. What is written by
// other ways than the runtime role is held by the constraint.

import { ENCRYPTED } from '../../../generated/encrypted.ts';
import { constraintOf } from '../sealing/phase.ts';
import { type Check, GRANTS, RUNTIME } from './check.ts';

/** SQL: every declared column with its table and the name of its constraint. Names of the schema, never of a caller. */
const DECLARED = `(values ${ENCRYPTED.map(
  (field) => `('${field.table}', '${field.column}', '${constraintOf(field)}')`,
).join(', ')}) as d (relation, col, seal)`;

/** SQL: the constraint of a declared column. */
const SEAL = `select from pg_constraint s
  where s.conrelid = to_regclass('public.' || d.relation) and s.conname = d.seal and s.contype = 'c'`;

export const ENCRYPTION_CHECKS: readonly Check[] = [
  {
    name: 'encrypted-column',
    level: 'refuse',
    sql: `select d.relation || '.' || d.col as subject, d.seal as detail from ${DECLARED} where not exists (${SEAL})`,
    message: ({ subject, detail }) =>
      `${subject} is declared encrypted, and nothing keeps values in clear out: add the constraint ${detail}, or run \`bailiwick keys seal\``,
  },
  {
    name: 'encrypted-policy',
    level: 'refuse',
    sql: `
      select distinct d.relation || '.' || d.col as subject, lower(g.privilege) as detail
        from ${DECLARED}
        join ${GRANTS} g on g.relation = to_regclass('public.' || d.relation)
                        and g.privilege in ('INSERT', 'UPDATE') and coalesce(g."column"::text, d.col) = d.col
       where g.grantee in (0, ${RUNTIME})
         and not exists (
           select from pg_policy p
            where p.polrelid = g.relation and not p.polpermissive and ${RUNTIME} = any (p.polroles)
              and p.polcmd = case g.privilege when 'INSERT' then 'a' else 'w' end
              and pg_get_expr(p.polwithcheck, p.polrelid) ~ ('seals\\(\\(?' || d.col || '\\M'))`,
    message: ({ subject, detail }) =>
      `${subject} is encrypted, and no restrictive policy for ${detail} asks bailiwick.seals() about it: write one`,
  },
  {
    name: 'encrypted-plain',
    level: 'warn',
    sql: `select d.relation || '.' || d.col as subject, null as detail from ${DECLARED}
           where exists (${SEAL} and not s.convalidated)`,
    message: ({ subject }) =>
      `${subject} may still hold values in clear from before it was encrypted: run \`bailiwick keys seal\``,
  },
];
