// How the policy files are read: what is taken from them, and that nothing that matters is passed over.

import { expect, test } from 'vitest';
import { readDeclared } from '../../../src/db/posture/declared.ts';

const read = (sql: string) => readDeclared([{ name: '10-pets', sql }]);

test('comments, quoted texts and bodies of functions declare nothing', () => {
  const { policies, grants } = read(`
    -- create policy one on public.pets to bailiwick_runtime using (true);
    /* grant select on public.pets to bailiwick_runtime; */
    comment on table public.pets is 'it''s; grant select on public.pets to bailiwick_runtime;';
    do $x$ begin execute 'grant select on public.pets to bailiwick_runtime'; end $x$;`);
  expect([policies, grants]).toEqual([[], []]);
});

test('a policy is read with its command and its kind', () => {
  expect(
    read(`create policy a on public.pets for select to bailiwick_runtime using (true);
          CREATE POLICY b ON public.pets AS RESTRICTIVE
            FOR ALL TO bailiwick_runtime USING (true);
          create policy c on public.pets to bailiwick_kernel using (true);`).policies,
  ).toEqual([
    { table: 'public.pets', name: 'a', command: 'r', permissive: true },
    { table: 'public.pets', name: 'b', command: '*', permissive: false },
    { table: 'public.pets', name: 'c', command: '*', permissive: true },
  ]);
});

test('a grant is read privilege by privilege, table by table, column by column', () => {
  const role = 'bailiwick_runtime';
  expect(
    read(`grant select, update (name, fur) on public.pets to ${role}; grant usage on schema public to x;`)
      .grants,
  ).toEqual([
    { role, table: 'public.pets', privilege: 'SELECT', column: null },
    { role, table: 'public.pets', privilege: 'UPDATE', column: 'name' },
    { role, table: 'public.pets', privilege: 'UPDATE', column: 'fur' },
  ]);
  expect(
    read(`grant select on public.pets, public.cats to ${role};`).grants.map(({ table }) => table),
  ).toEqual(['public.pets', 'public.cats']);
});

test('a function is read with its body to the letter, and belongs to whoever made or was given it', () => {
  const { functions, executable } = read(`
    create function bailiwick.a(x text, y uuid[] default '{}') returns int
      language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$ Begin; END $$;
    set local role bailiwick_kernel;
    create or replace function bailiwick.b() returns int language sql as $f$ select '$$' $f$;
    reset role;
    alter function bailiwick.a(text, uuid[]) owner to bailiwick_kernel;
    grant execute on function bailiwick.a(text, uuid[]), bailiwick.b() to bailiwick_runtime;`);
  expect(functions).toEqual([
    {
      signature: 'bailiwick.a(text,uuid[])',
      body: ' Begin; END ',
      volatility: 's',
      parallel: 'r',
      definer: true,
      owner: 'bailiwick_kernel',
    },
    {
      signature: 'bailiwick.b()',
      body: " select '$$' ",
      volatility: 'v',
      parallel: 'u',
      definer: false,
      owner: 'bailiwick_kernel',
    },
  ]);
  expect(executable).toEqual(['bailiwick.a(text,uuid[])', 'bailiwick.b()']);
});

test.each([
  'grant all on all tables in schema public to bailiwick_runtime',
  'grant select on public.pets to bailiwick_runtime with grant option',
  'grant execute on function bailiwick.a() to public',
  'grant bailiwick_kernel to bailiwick_runtime',
  "create function bailiwick.a() returns int language sql as 'select 1'",
  'create policy "With Space" on public.pets using (true)',
  'set role bailiwick_migrator',
])('what is in no known form is refused: %s', (sql) => {
  expect(() => read(`${sql};`)).toThrow(/^10-pets\.sql has a statement in no form known here: /);
});

test('the files of this repository can be read', () => {
  const { policies, grants, functions, executable } = readDeclared();
  expect(Math.min(policies.length, grants.length, functions.length, executable.length)).toBeGreaterThan(10);
});
