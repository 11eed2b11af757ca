// vitest's `test` with a stage: the runtime role in a transaction of its own that nobody has opened yet, after preparations by an
// administrator, with the keys and issuers of the cast there. For cases about what opens a context, and by what.

import { raw, type Sql, trustTickets } from '../kit/as.ts';
import { test as cast } from '../kit/cast.ts';
import { arrangeKeys } from './credentials.ts';

export const OPEN = 'select bailiwick.open($1, $2)';

/** Runs `work` on an administrator's connection, as the runtime role and in a transaction that is rolled back. */
export const test = cast.extend('stage', { scope: 'file' }, async ({ database, migrate }) => {
  await trustTickets(database);
  await migrate(arrangeKeys);
  return <Result>(work: (sql: Sql) => Promise<Result>, given?: (sql: Sql) => Promise<unknown>) =>
    raw(
      database,
      async (sql) => {
        await sql.rows('begin');
        await given?.(sql);
        await sql.rows('set local role bailiwick_runtime');
        return await work(sql);
      },
      database.adminUrl,
    );
});
