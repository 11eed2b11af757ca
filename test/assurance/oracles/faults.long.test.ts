// The instrument finds what it is for: oracles are put into a database of this file's own, one at a time, and must be
// found under their name; then they are taken out and must be found no longer.

import { expect } from 'vitest';
import { migrate, raw } from '../../kit/as.ts';
import { test as base } from '../../kit/cast.ts';
import { attacker } from './attackers.ts';
import { experiment, look, type Plan, prepare } from './experiment.ts';
import { findings, KNOWING, ORACLES } from './verdict.ts';

type Fault = Omit<Plan, 'states'> & {
  readonly found: string;
  readonly put: readonly string[];
  readonly repair: readonly string[];
};

// by what is wrong
const FAULTS: Readonly<Record<string, Fault>> = {
  'a name that only one row of all tenants may have, found by a colleague and by a stranger': {
    attackers: ['bob', 'mallory'],
    tables: ['worlds'],
    sorts: ['keys'],
    found: 'worlds_name_once',
    // an expression and a condition, so that its columns do not stand in the list of the index
    put: [`create unique index worlds_name_once on worlds (lower(name)) where name <> 'Another'`],
    repair: ['drop index worlds_name_once'],
  },
  'an exclusion over all owners': {
    attackers: ['bob'],
    tables: ['memories'],
    sorts: ['keys'],
    found: 'memories_alone',
    put: [
      `alter table memories add constraint memories_alone exclude (kind with =, content with =) where (kind like 'hidden%')`,
    ],
    repair: ['alter table memories drop constraint memories_alone'],
  },
  'a foreign key without the owner': {
    attackers: ['bob'],
    tables: ['agents'],
    sorts: ['keys'],
    found: 'agents_parent_fkey',
    put: [
      'alter table agents drop constraint agents_tenant_id_parent_id_owner_id_fkey',
      'alter table agents add constraint agents_parent_fkey foreign key (tenant_id, parent_id) references agents',
    ],
    repair: [
      'alter table agents drop constraint agents_parent_fkey',
      `alter table agents add constraint agents_tenant_id_parent_id_owner_id_fkey
         foreign key (tenant_id, parent_id, owner_id) references agents (tenant_id, id, owner_id)`,
    ],
  },
  'a new column that refers to another tenant': {
    attackers: ['bob', 'mallory'],
    tables: ['worlds'],
    sorts: ['keys'],
    found: 'worlds_copied_from_fkey',
    put: [
      'alter table worlds add copied_from uuid references tenants (tenant_id)',
      'grant insert (copied_from) on worlds to bailiwick_runtime',
    ],
    repair: ['alter table worlds drop copied_from'],
  },
  'a parent that may be deleted unless it has hidden children': {
    attackers: ['bob'],
    tables: ['memories'],
    sorts: ['keys'],
    found: 'memories_tenant_id_world_id_fkey',
    put: [
      'grant delete on worlds to bailiwick_runtime',
      `create policy delete_own on worlds for delete to bailiwick_runtime
         using (owner_id = (select bailiwick.owner('world', 'update')))`,
    ],
    repair: ['drop policy delete_own on worlds', 'revoke delete on worlds from bailiwick_runtime'],
  },
  'a trigger that compares a name with those of others': {
    attackers: ['bob', 'mallory'],
    tables: ['worlds'],
    sorts: ['values'],
    found: 'worlds.name',
    put: [
      definer(
        'compare_names() returns trigger',
        `if exists (select from worlds w where w.name = new.name and w.name like 'Hidden%') then
           raise exception 'another world has that name';
         end if;
         return new;`,
      ),
      'create trigger compare_names before insert or update on worlds for each row execute function compare_names()',
    ],
    repair: ['drop trigger compare_names on worlds', 'drop function compare_names()'],
  },
  'a trigger that only remarks on it': {
    attackers: ['bob'],
    tables: ['worlds'],
    sorts: ['values'],
    found: 'notices',
    put: [
      definer(
        'compare_names() returns trigger',
        `if exists (select from worlds w where w.name = new.name and w.name like 'Hidden%') then
           raise notice 'another world has that name';
         end if;
         return new;`,
      ),
      'create trigger compare_names before insert on worlds for each row execute function compare_names()',
    ],
    repair: ['drop trigger compare_names on worlds', 'drop function compare_names()'],
  },
  'a function that looks with the eyes of its owner': {
    attackers: ['mallory'],
    sorts: ['functions'],
    found: 'public.is_agent',
    put: [
      definer(
        'is_agent(candidate uuid) returns boolean',
        'return exists (select from agents where id = candidate);',
      ),
      'grant execute on function is_agent(uuid) to bailiwick_runtime',
    ],
    repair: ['drop function is_agent(uuid)'],
  },
  'an operator that is wrongly called leakproof, and cheaper than the policy': {
    attackers: ['bob'],
    tables: ['memories'],
    sorts: ['rows'],
    found: 'conditions on memories',
    put: [
      'alter function pg_catalog.int4div(int, int) leakproof',
      'alter function pg_catalog.uuid_eq(uuid, uuid) cost 100000',
    ],
    repair: [
      'alter function pg_catalog.int4div(int, int) not leakproof',
      'alter function pg_catalog.uuid_eq(uuid, uuid) cost 1',
    ],
  },
};

function definer(signature: string, body: string): string {
  return `create function ${signature} language plpgsql security definer set search_path = public, pg_temp
    as $$ begin ${body} end $$`;
}

const test = base.extend('stage', { scope: 'file' }, async ({ database }) => {
  await prepare(database);
  return { database };
});

for (const [name, { found, put, repair, ...plan }] of Object.entries(FAULTS)) {
  test(`${name}: found, and once repaired not found`, { timeout: 120_000 }, async ({
    stage: { database },
  }) => {
    const administer = (statements: readonly string[]) =>
      raw(
        database,
        async (sql) => {
          for (const statement of statements) {
            await sql.rows(statement);
          }
        },
        database.adminUrl,
      );
    const oracles = async () => {
      const stage = await look(database);
      const tried = await experiment(stage, { ...plan, states: ['present'] });
      const telling = findings(stage.catalog, tried).filter((one) => one.telling.length > 0);
      return telling.flatMap((one) =>
        one.name in KNOWING || one.name in ORACLES
          ? []
          : [...new Set(one.telling.map(({ attacker }) => `${one.name} by ${attacker}`))],
      );
    };
    await administer(put);
    expect(await oracles()).toEqual(
      expect.arrayContaining(plan.attackers.map((who) => `${found} by ${who}`)),
    );
    await administer(repair);
    expect(await oracles()).toEqual([]);
  });
}

test('a table that row security was forgotten on is in sight', async ({ stage: { database } }) => {
  const blind = async () => {
    const { catalog, hidden } = await look(database);
    return (await attacker(database, catalog, hidden, 'mallory', false)).blindTo('agent_instructions');
  };
  const security = (what: string) =>
    migrate(database, (sql) => sql.rows(`alter table agent_instructions ${what} row level security`));
  expect(await blind()).toBe(true);
  await security('disable');
  expect(await blind()).toBe(false);
  await security('enable');
});
