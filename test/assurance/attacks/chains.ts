// Attacks on the shape of a chain (D2, D4): spliced, too long; made with foreign keys and checks off, because the kernel must
// refuse them by itself. And the controls of all cases about chains: with authority it works.

import { type ActorName, AGENTS, USERS } from '../../../src/demo/cast.ts';
import { type DelegationId, newId } from '../../../src/ids.ts';
import { ticket } from '../../kit/as.ts';
import { delegate } from '../../policies/given.ts';
import {
  acme,
  alice,
  asLower,
  CAPABILITIES,
  ceiling,
  chain,
  GARDEN,
  type Given,
  garden,
  inGarden,
  type Limit,
  LOWER,
  limited,
  MEMORY,
  pair,
  reads,
  SCRIBE,
  through,
  together,
  writes,
} from './hops.ts';
import { opened, type SqlAttack, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const misfit = (column: string): Given =>
  unchecked(`update delegations set ${column} = $1 where id = $2`, USERS.bob.id, SCRIBE);

const five: Given = async (sql) => {
  await sql.rows(
    'alter table delegations drop constraint delegations_depth, drop constraint delegations_redelegate',
  );
  const line: ActorName[] = ['alice', 'rogue', 'late', 'scout', 'scribe'];
  let parent: DelegationId | undefined;
  for (const [index, from] of line.slice(0, 4).entries()) {
    const id = newId<DelegationId>();
    await delegate(sql, {
      id,
      from,
      to: line[index + 1] as ActorName,
      depth: index + 1,
      ...(parent && { parent }),
    });
    parent = id;
  }
  const fifth = await unchecked(
    `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, capabilities, expires_at, created_by, request_id)
     values ($1, $2, $3, $4, $5, $6, 5, '{memory:read}', now() + interval '1 hour', $3, $3)`,
    acme,
    LOWER,
    alice,
    AGENTS.scribe.id,
    AGENTS.rogue.id,
    parent,
  );
  await fifth(sql);
};

const shapes: SqlAttack[] = [
  ...['owner_id', 'delegator_id'].map(
    (column): SqlAttack => ({
      ...chain,
      gain: 'a chain spliced of two that never met',
      name: `opening a chain in which ${column} of one hop does not fit the others`,
      rule: 'D2',
      given: misfit(column),
      steps: [opened(() => ticket('scribe', through.scribe), '28000'), reads(0)],
    }),
  ),
  {
    ...chain,
    gain: 'chains longer than anybody can oversee',
    name: 'opening a chain of five hops',
    rule: 'D4',
    given: five,
    steps: [opened(() => ticket('rogue', asLower), '28000'), reads(0)],
  },
];

const truths: Readonly<Record<string, Limit>> = {
  'a delegation works for what it names': [
    'D8',
    'scout',
    through.scout,
    undefined,
    [
      reads(7),
      writes(1),
      writes(1, alice, GARDEN),
      step('select from users', 1),
      step('select from agents', 4),
      step('select from worlds', 1),
    ],
  ],
  'a chain of two works for what both name': [
    'D2 D8',
    'scribe',
    through.scribe,
    undefined,
    [
      reads(7),
      step(`select bailiwick.describe()->>'live'`, 'true'),
      step(`select jsonb_array_length(bailiwick.describe()->'chain')`, 2),
    ],
  ],
  'a chain works beside its twin in another tenant': [
    'D3',
    'scribe',
    through.scribe,
    twins,
    [reads(7), step(`select jsonb_array_length(bailiwick.describe()->'chain')`, 2)],
  ],
  'a person works beside their twin in another tenant': [
    'D3',
    'alice',
    {},
    twins,
    [reads(7), step(`select cardinality(bailiwick.worlds('memory', 'read'))`, 1), writes(1, alice, GARDEN)],
  ],
  'a delegation limited to a world works in it': [
    'D11',
    'scout',
    garden,
    inGarden(),
    [reads(2), writes(1, alice, GARDEN), step('select from world_members', 2)],
  ],
  'one world twice in a chain is that world': [
    'D11',
    'scribe',
    asLower,
    pair({ world: GARDEN, capabilities: MEMORY }, { world: GARDEN, capabilities: MEMORY }),
    [reads(2), writes(1, alice, GARDEN)],
  ],
  'a ceiling allows what it names': [
    'D8',
    'scout',
    through.scout,
    together(
      ceiling(AGENTS.scout.id, 'memory:read', 'memory:create'),
      ceiling(alice, 'memory:read', 'memory:create'),
    ),
    [reads(7), writes(1), step(CAPABILITIES, '["memory:create", "memory:read"]')],
  ],
  'a ceiling of the agent above allows what it names': [
    'D8',
    'scribe',
    through.scribe,
    ceiling(AGENTS.scout.id, 'memory:read'),
    [reads(7)],
  ],
  'an agent as itself keeps memories of its own': [
    'D1',
    'scout',
    {},
    undefined,
    [reads(1), writes(1, AGENTS.scout.id), step('select from delegations', 3)],
  ],
  'an administrator administers': [
    'D13',
    'ada',
    {},
    undefined,
    [step('select bailiwick.administered_tenant()', acme), step('select from users', 3)],
  ],
  'a token allows what it names': [
    'D8',
    'alice',
    { scopes: ['memory:read', 'memory:create'] },
    undefined,
    [reads(7), writes(1), step('select from users', 0)],
  ],
  'a chain of four hops works': [
    'D4',
    'scribe',
    asLower,
    async (sql) => {
      const line: ActorName[] = ['alice', 'rogue', 'late', 'scout', 'scribe'];
      let parent: DelegationId | undefined;
      for (const [index, from] of line.slice(0, 4).entries()) {
        const id = index === 3 ? LOWER : newId<DelegationId>();
        await delegate(sql, {
          id,
          from,
          to: line[index + 1] as ActorName,
          depth: index + 1,
          redelegate: 3 - index,
          ...(parent && { parent }),
        });
        parent = id;
      }
    },
    [reads(7)],
  ],
};

export const CHAINS: readonly SqlAttack[] = [...shapes, ...limited(truths, true)];
