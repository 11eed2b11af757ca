// Attacks on what is hidden (P2, P4 to P14, P26, P27, P33): rows of strangers and colleagues read, reached around the policies, or
// found out one guess at a time. What is named here is alice's unless it says otherwise.

import { type ActorName, AGENTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { memoryOf } from '../../policies/arrangement.ts';
import { acme, alice, bob, GARDEN, globex, made, memory, rows } from './attempted.ts';
import { MEMORIES } from './seals.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const TABLES = [
  'entities',
  'users',
  'agents',
  'agent_instructions',
  'worlds',
  'world_members',
  'delegations',
  'memories',
  'tenant_keys',
  'data_keys',
];

const STRANGERS: Readonly<Record<string, readonly [who: ActorName, acting: Acting]>> = {
  'a stranger': ['mallory', {}],
  'a stranger’s agent': ['mimic', { delegation: DELEGATIONS.mimic.id }],
};

const COLLEAGUES: Readonly<Record<string, readonly [who: ActorName, acting: Acting]>> = {
  'a colleague': ['bob', {}],
  'a colleague’s agent': ['bobot', { delegation: DELEGATIONS.bobot.id }],
};

const PRIVATE = ['users', 'agents', 'agent_instructions', 'delegations', 'memories', 'data_keys'];

const reading: SqlAttack[] = [
  ...Object.entries(STRANGERS).flatMap(([what, [who, acting]]) =>
    [...TABLES, 'tenants'].map(
      (table): SqlAttack => ({
        ...rows,
        name: `${what} reads ${table} of another tenant`,
        gain: `${table} of every customer`,
        rule: 'P2 P28 D3',
        steps: [
          open(who, acting),
          step(`select from ${table} where tenant_id = $1`, 0, [acme]),
          step(`select from ${table} where tenant_id <> $1`, 0, [globex]),
        ],
      }),
    ),
  ),
  ...Object.entries(COLLEAGUES).flatMap(([what, [who, acting]]) =>
    PRIVATE.map(
      (table): SqlAttack => ({
        ...rows,
        name: `${what} reads ${table} of another owner`,
        gain: `${table} of everybody in the tenant`,
        rule: 'P2 D26',
        steps: [
          open(who, acting),
          step(`select from ${table} where owner_id = $1`, 0, [alice]),
          step(`select from ${table} where owner_id <> $1`, 0, [bob]),
        ],
      }),
    ),
  ),
  {
    ...rows,
    name: 'the rows of a twin, with the same ids and owner in another tenant',
    gain: 'whatever another tenant keeps under an id that one knows',
    rule: 'D3 P2 P28',
    given: twins,
    changes: true,
    steps: [
      open('alice'),
      ...[...TABLES, 'tenants'].map((table) =>
        step(`select from ${table} where tenant_id = $1`, 0, [globex]),
      ),
      step(`update memories set kind = 'changed'`, 7),
      step(`update agents set name = 'Changed'`, 4),
      step(`update entities set ceiling = '[]'`, 5),
      step(`update users set display_name = 'Changed'`, 1),
      step('update agent_instructions set private_instructions = system_prompt', 2),
      step(`update worlds set name = 'Changed'`, 1),
      step(`update world_members set role = 'guest'`, 1),
      step('delete from world_members', 1),
      step('delete from memories', 7),
    ],
  },
  {
    ...rows,
    name: 'the rows of the administrator’s colleagues that are nobody else’s business',
    gain: 'private memories and instructions, for the asking',
    rule: 'D26',
    steps: [
      open('ada'),
      step('select from memories where owner_id <> $1', 0, [USERS.ada.id]),
      step('select from agent_instructions', 0),
      step('select from data_keys', 0),
      step('select from agents', 0),
      step('select from users where tenant_id <> $1', 0, [acme]),
    ],
  },
  ...Object.entries({
    identities: 'table identities',
    'the status of a tenant': 'select status from tenants',
    'the settings of a tenant': 'select subdelegation_seconds from tenants',
    migrations: 'table _prisma_migrations',
  }).map(
    ([what, text]): SqlAttack => ({
      ...rows,
      name: `reading ${what}`,
      gain: 'who is who for every issuer, or how a tenant is set up',
      rule: 'P32',
      steps: [open('alice'), step(text, '42501')],
    }),
  ),
];

const ways: Readonly<Record<string, readonly [rule: string, steps: readonly Step[]]>> = {
  'a predicate that fails on what it must not see': [
    'P10',
    [step(`select from memories where 1 / (case when content like '%Lisbon%' then 0 else 1 end) = 1`, 4)],
  ],
  'a cast that fails on what it must not see': [
    'P10',
    [
      step(
        `select from memories where case when content like '%Lisbon%' then content::int else 1 end = 1`,
        4,
      ),
    ],
  ],
  'a join with what it must not see': [
    'P2',
    [step('select from memories m join memories n on n.id = m.id where m.owner_id = $1', 0, [alice])],
  ],
  'a sub-select': ['P2', [step('select count(x)::int from (select * from memories) x', 4)]],
  'XML made of a query': [
    'P33',
    [
      step(
        `select query_to_xml('select id from memories where owner_id = ''${alice}''', true, false, '')::text not like '%<row>%'`,
        'true',
      ),
    ],
  ],
  'a row lock': [
    'P2',
    [
      step('select from memories where owner_id = $1 for update', 0, [alice]),
      step('select from memories where owner_id = $1 for share', 0, [alice]),
    ],
  ],
  'statistics of columns': [
    'P11',
    [step(`select from pg_stats where schemaname = 'public'`, 0), step('select from pg_statistic', '42501')],
  ],
  'what other roles are doing': [
    'P38',
    [
      step(
        `select from pg_stat_activity where usename <> 'bailiwick_runtime' and query not in ('', '<insufficient privilege>')`,
        0,
      ),
    ],
  ],
  'copying the table out to a file': ['P26', [step(`copy memories to '/tmp/memories'`, '42501')]],
  'copying the table out to a program': ['P26', [step(`copy memories to program 'cat'`, '42501')]],
  'loading rows past the policies': [
    'P26',
    [step('copy memories (tenant_id, id, owner_id, content, tags) from stdin', '0A000')],
  ],
  'switching row security off': [
    'P27',
    [
      step('set local row_security = off', 'null'),
      step(MEMORIES, '42501'),
      step('select from users', '42501'),
    ],
  ],
  'an index for looking things up': ['P10', [step('create index on memories (content)', '42501')]],
};

const same = (text: string, outcome: string, ...ids: readonly unknown[]): Step[] =>
  ids.map((id) => step(text, outcome, [id]));

const oracles: Readonly<Record<string, readonly [rule: string, steps: readonly Step[], changes?: boolean]>> =
  {
    'whether a world is there, by writing into it': [
      'P4 D26',
      [WORLDS.workshop.id, WORLDS.vault.id, newId()].map((world_id) => memory({ world_id }, '42501')),
    ],
    'whether an agent is there, by naming it': [
      'P4 D26',
      [AGENTS.bobot.id, AGENTS.mimic.id, newId()].map((agent_id) => memory({ agent_id }, '23503')),
    ],
    'whether a person is there in another tenant, by inviting them': [
      'P4 D3',
      [USERS.mallory.id, newId()].map((entity_id) =>
        made('world_members', { world_id: GARDEN, owner_id: alice, entity_id }, '23503'),
      ),
    ],
    'whether a memory is there in another tenant, by taking its id': [
      'P6 D3',
      [memory({ id: memoryOf('mallory') }, 1), memory({ id: newId() }, 1)],
      true,
    ],
    'whether a memory is there in another tenant, by a conflict': [
      'P7 D3',
      same(
        `insert into memories (tenant_id, id, owner_id, content, tags) values ('${acme}', $1, '${alice}', 'New.', '{}') on conflict do nothing`,
        '1',
        memoryOf('mallory'),
        newId(),
      ),
      true,
    ],
    'a colleague’s memory, by overwriting it in a conflict': [
      'P7',
      same(
        `insert into memories (tenant_id, id, owner_id, content, tags) values ('${acme}', $1, '${alice}', 'New.', '{}') on conflict (tenant_id, id) do update set content = excluded.content`,
        '42501',
        memoryOf('bob'),
      ),
    ],
    'a colleague’s memory, by a merge': [
      'P8',
      same(
        'merge into memories m using (select $1::uuid as id) s on m.id = s.id when matched then update set content = $$Taken$$',
        '0',
        memoryOf('bob'),
        memoryOf('mallory'),
        newId(),
      ),
    ],
    'whether a delegation is there, by ending it': [
      'D26',
      same(
        'select bailiwick.revoke_delegation($1) is not null',
        'false',
        DELEGATIONS.bobot.id,
        DELEGATIONS.mimic.id,
        newId(),
      ),
    ],
    'what stands in a row that was refused': [
      'P13 P14',
      [
        step(
          `do $$ declare told text; begin
           insert into memories (tenant_id, id, owner_id, content, tags) select tenant_id, gen_random_uuid(), '${bob}', 'secret', '{}' from tenants;
         exception when others then
           get stacked diagnostics told = pg_exception_detail;
           if told <> '' then raise exception 'told' using errcode = 'XX001'; end if;
         end $$`,
          'null',
        ),
      ],
    ],
  };

export const READING: readonly SqlAttack[] = [
  ...reading,
  ...Object.entries(ways).map(
    ([what, [rule, steps]]): SqlAttack => ({
      ...rows,
      name: `reading around the policies by ${what}`,
      gain: 'rows of others, or what stands in them',
      rule,
      steps: [open('bob'), ...steps],
    }),
  ),
  ...Object.entries(oracles).map(
    ([what, [rule, steps, changes]]): SqlAttack => ({
      ...rows,
      name: `finding out ${what}`,
      gain: 'a list of what is hidden, one guess at a time',
      rule,
      ...(changes && { changes }),
      steps: [open('alice'), ...steps],
    }),
  ),
];
