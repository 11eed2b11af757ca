// What the lints about policies must find, and what they must not: each repair is a sound policy that looks much like the fault.

import { AS_OWNER, type Fault, NO_FLOOR } from './sound.ts';

/** A policy p on docs, beside those of the sound schema. */
const policy = (rest: string): string => `create policy p on scratch.docs ${rest}`;
const DROP = 'drop policy p on scratch.docs';
const P = 'p on scratch.docs';

export const POLICY_FAULTS: readonly Fault[] = [
  {
    lint: 'policy-public',
    object: P,
    fault: policy('for select using (owner_id = (select scratch.person()))'),
    repair: 'alter policy p on scratch.docs to $app',
  },
  {
    lint: 'policy-true',
    object: P,
    fault: NO_FLOOR + policy('for select to $app using (true)'),
    repair: 'alter policy p on scratch.docs using (owner_id = (select scratch.person()))',
  },
  {
    lint: 'policy-true',
    object: P,
    fault: NO_FLOOR + policy('for delete using (id = id)'),
    repair: 'alter policy p on scratch.docs to $owner',
  },
  {
    lint: 'policy-check-true',
    object: P,
    fault: NO_FLOOR + policy('to $app using (tenant_id = (select scratch.tenant())) with check (true)'),
  },
  {
    lint: 'policy-check-true',
    object: P,
    fault: NO_FLOOR + policy('for insert to $app with check (1 = 1)'),
    repair: DROP,
  },
  // a floor that is not for this role
  ...(
    [
      ['policy-true', 'to $app using (true)'],
      ['policy-check-true', 'to $app using (tenant_id = (select scratch.tenant())) with check (true)'],
      [
        'policy-check-drops-tenant',
        'to $app using (tenant_id = (select scratch.tenant())) with check (n = 1)',
      ],
    ] as const
  ).map(([lint, rest]) => ({
    lint,
    object: P,
    fault: `alter policy tenant_floor on scratch.docs to $owner; ${policy(rest)}`,
    repair: 'alter policy tenant_floor on scratch.docs to $owner, $app',
  })),
  {
    lint: 'policy-restricts-nothing',
    object: P,
    fault: policy('as restrictive to $app using (true)'),
  },
  ...[
    'owner_id is null or true',
    'true or owner_id is null',
    '(n > 0 or 1 = 1) and n < 9',
    'n > 0 or not false',
    'n = 1 or true) with check (n = 1 or true',
  ].map((condition) => ({
    lint: 'policy-or-true',
    object: P,
    fault: policy(`to $app using (${condition})`),
    repair: "alter policy p on scratch.docs using (n > 0 or title = 'or true') with check (n > 0)",
  })),
  { lint: 'policy-false', object: P, fault: policy('for select to $app using (false)') },
  {
    lint: 'policy-no-column',
    object: P,
    fault: policy('for select to $app using ((select scratch.person()) is not null)'),
    repair: 'alter policy p on scratch.docs using ((select scratch.person()) = owner_id)',
  },
  {
    lint: 'policy-no-tenant',
    object: 'select_own on scratch.docs',
    fault: NO_FLOOR,
    repair:
      'create policy floor on scratch.docs as restrictive using (tenant_id = (select scratch.tenant()))',
  },
  {
    lint: 'policy-no-tenant',
    object: 'select_own on scratch.docs',
    // a floor for another verb, and for another role
    fault: `${NO_FLOOR} create policy floor on scratch.docs as restrictive for insert to $app with check (tenant_id = (select scratch.tenant()));
      create policy floor_2 on scratch.docs as restrictive to $owner using (tenant_id = (select scratch.tenant()))`,
    repair: 'alter policy floor_2 on scratch.docs to $app',
  },
  { lint: 'policy-empty', object: P, fault: policy('for insert to $app') },
  { lint: 'policy-empty', object: P, fault: policy('as restrictive to $app') },
  {
    lint: 'policy-check-drops-tenant',
    object: P,
    fault:
      NO_FLOOR + policy("to $app using (tenant_id = (select scratch.tenant())) with check (title <> 'x')"),
  },
  ...[
    "nullif(current_setting('app.tenant', true), '') is null or tenant_id = (select scratch.tenant())",
    '(select scratch.tenant()) is null or tenant_id = (select scratch.tenant())',
    'tenant_id = (select scratch.tenant()) or not (scratch.tenant() is not null)',
  ].map((condition) => ({
    lint: 'policy-context-null',
    object: P,
    fault: policy(`to $app using (${condition})`),
    repair:
      'alter policy p on scratch.docs using (owner_id is null or tenant_id = (select scratch.tenant()))',
  })),
  ...['title = current_user', 'title = (select session_user)', "current_user = 'x' and n = 1"].map(
    (condition) => ({
      lint: 'policy-role-name',
      object: P,
      fault: policy(`to $app using (${condition})`),
      repair:
        "alter policy p on scratch.docs using (pg_has_role(current_user, 'pg_monitor', 'member') and n = 1)",
    }),
  ),
  {
    lint: 'policy-setting-strict',
    object: P,
    fault: policy(
      `to $app using (title = (select current_setting('app.tenant'))) with check (title = current_setting('app.b'))`,
    ),
  },
  {
    lint: 'policy-setting-forgeable',
    object: P,
    fault: policy(`to $app using (title = (select current_setting('app.tenant', true)))`),
    repair: 'alter policy p on scratch.docs using (title = (select scratch.tenant())::text)',
  },
  {
    lint: 'policy-setting-unqualified',
    object: P,
    fault: policy(`to $app using (title = (select current_setting('application_name', true)))`),
    repair: `alter policy p on scratch.docs using (title = (select current_setting('app.name', true)))`,
  },
  ...[
    "tenant_id = '00000000-0000-4000-8000-000000000001'",
    "owner_id in ('00000000-0000-4000-8000-000000000001', id)",
    "tenant_id::text = '7'",
  ].map((condition) => ({
    lint: 'policy-literal-id',
    object: P,
    fault: policy(`to $app using (${condition})`),
    repair: "alter policy p on scratch.docs using (title = 'tenant_id = 7' and n = 7)",
  })),
  {
    lint: 'policy-volatile',
    object: P,
    fault: policy('to $app using (random() < n)'),
    repair: DROP,
  },
  {
    lint: 'policy-bare-call',
    object: P,
    fault: policy('to $app using (owner_id = scratch.person()) with check (n > 0)'),
  },
  {
    lint: 'policy-bare-call',
    object: P,
    fault: policy(`to $app using (title = current_setting('app.tenant', true) and (select n > 1))`),
  },
  {
    lint: 'policy-bare-call',
    object: P,
    // within a sub-select that is evaluated for every row
    fault: policy(
      'to $app using (exists (select from scratch.notes m where m.doc_id = docs.id and m.owner_id = scratch.person()))',
    ),
  },
  {
    lint: 'policy-duplicate',
    object: 'select_own_2 on scratch.docs',
    fault:
      'create policy select_own_2 on scratch.docs for select to $app using (owner_id = (select scratch.person()))',
  },
  {
    lint: 'policy-many-permissive',
    object: 'scratch.docs for select by $app',
    fault: policy('to $app using (id in (select m.doc_id from scratch.notes m))'),
    repair: DROP,
  },
  {
    lint: 'policy-reads-unprotected',
    object: P,
    fault: `${AS_OWNER} create table scratch.members (doc_id uuid primary key); grant insert on scratch.members to $app;
      ${policy('to $app using (id in (select m.doc_id from scratch.members m))')}`,
  },
  ...['title like (select scratch.person())::text', `title ~* current_setting('app.x', true)`].map(
    (condition) => ({
      lint: 'policy-pattern',
      object: P,
      fault: policy(`to $app using (${condition})`),
      repair:
        "alter policy p on scratch.docs using (title like 'a% ~ current_setting(' and (select scratch.person()) = owner_id)",
    }),
  ),
  {
    lint: 'policy-mutable-claim',
    object: P,
    fault: policy(
      `to $app using (title = current_setting('app.jwt', true)::jsonb -> 'user_metadata' ->> 'role')`,
    ),
    repair: `alter policy p on scratch.docs using (title = current_setting('app.jwt', true)::jsonb -> 'app_metadata' ->> 'role')`,
  },
  {
    lint: 'policy-for-bypasser',
    object: 'select_own on scratch.docs',
    fault: 'alter role $app bypassrls',
    repair: 'alter role $app nobypassrls',
  },
  {
    lint: 'policy-anonymous-write',
    object: P,
    fault: `create role anonymous; ${policy('for insert to anonymous with check (owner_id is null)')}`,
    repair: DROP,
  },
  {
    lint: 'policy-placeholder-name',
    object: '"TmpReadAll" on scratch.docs',
    fault: 'create policy "TmpReadAll" on scratch.docs to $app using (n = 1)',
    repair: 'alter policy "TmpReadAll" on scratch.docs rename to select_latest',
  },
  {
    lint: 'policy-owner-unread',
    object: 'scratch.docs.owner_id',
    fault:
      'drop policy select_own on scratch.docs; alter policy insert_own on scratch.docs with check (n = 1)',
    repair: policy('to $app using (owner_id = (select scratch.person()))'),
  },
  {
    lint: 'policy-recursion',
    object: P,
    fault: policy('to $app using (n in (select d.n from scratch.docs d))'),
    repair: DROP,
  },
  {
    lint: 'policy-recursion',
    object: P,
    fault: `${policy('to $app using (id in (select m.doc_id from scratch.notes m))')};
      create policy back on scratch.notes for select to $app using (doc_id in (select d.id from scratch.docs d))`,
    repair: 'alter policy back on scratch.notes using (owner_id is null)',
  },
  {
    lint: 'policy-without-grant',
    object: P,
    fault: policy('for delete to $app using (owner_id = (select scratch.person()))'),
  },
];
