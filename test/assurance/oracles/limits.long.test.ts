// What SQL can find out about rows out of sight without asking for them: the catalog, statistics, plans, lock tables and
// numbering that PostgreSQL shows to everybody. Row security does not reach them and nothing here could; the API has no
// words for any of them, because no SQL of a client's is ever run (test/architecture.test.ts: raw SQL stands in src/db).
//
// Each limit is shown to be there, so that one that is gone is noticed. What is not shown to everybody stands at the end.

import { expect } from 'vitest';
import { TENANTS, USERS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import { type Sql, test } from '../../kit/cast.ts';
import { report } from '../../kit/report.ts';
import { insert } from '../../policies/arrangement.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;

// by what it tells to Bob, who sees none of the memories of Alice
const LIMITS: Readonly<Record<string, string>> = {
  'how many rows a table has, as far as the planner knows': `select reltuples from pg_class where oid = 'memories'::regclass`,
  'how many rows a table has, as far as the statistics know': `select n_live_tup from pg_stat_user_tables where relname = 'memories'`,
  'how large a table is': `select pg_relation_size('memories')`,
  'how many rows the planner expects, of everybody': 'explain select from memories',
  'how many rows a policy has dropped':
    'explain (analyze, costs off, timing off, summary off, buffers off) select from memories',
  // not by vacuum, which takes another lock and comes when it likes; nor a table of that number in another database
  'which tables another transaction is writing': `select count(*) from pg_locks
     where relation = 'memories'::regclass and mode = 'RowExclusiveLock'
       and database = (select oid from pg_database where datname = current_database())`,
  // not in the databases of whoever else is at work on the server
  'that another request is running, and the text of its statement': `select query from pg_stat_activity
     where datname = current_database() and usename = current_user and pid <> pg_backend_pid() and query like 'update memories%'`,
  'that another request holds an advisory lock': 'select pg_try_advisory_xact_lock(4711)',
  'how many transactions there have been': 'select pg_snapshot_xmax(pg_current_snapshot())',
  'where in the table a new row of its own was put': `insert into memories (tenant_id, id, owner_id, content, tags)
    select bailiwick.tenant_id(), gen_random_uuid(), bailiwick.actor_id(), 'New.', '{}' returning ctid`,
};

/** Two thousand memories of Alice's, counted by the planner. */
async function grow(sql: Sql): Promise<void> {
  const made = { created_by: alice, request_id: newId() };
  for (let i = 0; i < 2000; i += 1) {
    await insert(sql, 'memories', {
      tenant_id: acme,
      id: newId(),
      owner_id: alice,
      content: `${i}`,
      tags: [],
      ...made,
    });
  }
  await sql.rows('analyze memories');
}

test('each limit that is known is there', async ({ as, migrate }) => {
  const answers = () =>
    as('bob', {}, async (sql) => {
      const all: Record<string, unknown> = {};
      for (const [name, statement] of Object.entries(LIMITS)) {
        all[name] = await sql.rows(statement);
      }
      return all;
    });
  await migrate((sql) => sql.rows('analyze memories'));
  const before = await answers();
  await migrate(grow);
  // meanwhile alice, in another request
  const after = await as('alice', {}, async (sql) => {
    await sql.rows('select pg_advisory_xact_lock(4711)');
    await sql.rows(`update memories set kind = kind`);
    return answers();
  });
  const telling = Object.keys(LIMITS).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  expect(telling).toEqual(Object.keys(LIMITS));
  report({
    instrument: 'oracles',
    what: 'limits beyond rows',
    figures: { limits: telling.length },
    details: telling,
  });
});

// There is one that counts events. That it is there the catalog tells everybody; what it has counted would be how much happens.
test('how far a sequence has counted is told to no request', async ({ as, migrate }) => {
  const sequences = await migrate((sql) =>
    sql.list(`select format('%I.%I', schemaname, sequencename) from pg_sequences`),
  );
  // each has counted
  await migrate((sql) => sql.rows('select nextval(s::regclass) from unnest($1::text[]) s', [sequences]));
  expect(sequences).not.toEqual([]);
  await as('bob', {}, async (sql) => {
    expect(await sql.list('select sequencename from pg_sequences where last_value is not null')).toEqual([]);
    for (const sequence of sequences) {
      for (const text of [
        `select last_value from ${sequence}`,
        `select nextval('${sequence}')`,
        `select currval('${sequence}')`,
      ]) {
        expect([text, await sql.outcome(text)]).toEqual([text, '42501']);
      }
    }
  });
});

test('the values of hidden rows are in no statistics that a request can read', async ({ as, migrate }) => {
  await migrate((sql) => sql.rows('analyze'));
  await as('bob', {}, async (sql) => {
    expect(await sql.list(`select tablename from pg_stats where schemaname = 'public'`)).toEqual([]);
    expect(await sql.list(`select tablename from pg_stats_ext where schemaname = 'public'`)).toEqual([]);
    expect(await sql.outcome('select from pg_statistic')).toBe('42501');
    expect(await sql.outcome('select from pg_statistic_ext_data')).toBe('42501');
  });
});
