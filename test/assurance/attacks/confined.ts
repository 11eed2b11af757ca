// Attacks on the limit to a world (D11): rows in no world or another, a world left, closed or shared by name only, two limits in
// one chain; and writing into worlds of which one is no member.

import { AGENTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { suspend } from '../../policies/given.ts';
import {
  acme,
  alice,
  asLower,
  asUpper,
  CAPABILITIES,
  GARDEN,
  type Given,
  garden,
  inGarden,
  type Limit,
  limited,
  MEMORY,
  pair,
  powerless,
  reads,
  set,
  together,
  writes,
} from './hops.ts';
import { type SqlAttack, step } from './stage.ts';
import { twins } from './worlds.ts';

const left: Given = (sql) =>
  sql.rows('delete from world_members where tenant_id = $1 and world_id = $2 and entity_id = $3', [
    acme,
    GARDEN,
    alice,
  ]);

/** Alice is a member of the Workshop too, and a memory of hers stands in it. */
const inBoth: Given = together(
  (sql) =>
    sql.rows(
      `insert into world_members (tenant_id, id, world_id, owner_id, entity_id, created_by, request_id)
       values ($1, gen_random_uuid(), $2, $3, $4, $4, $4)`,
      [acme, WORLDS.workshop.id, USERS.bob.id, alice],
    ),
  (sql) =>
    sql.rows(
      `update memories set world_id = $1 where tenant_id = $2 and owner_id = $3 and world_id is null`,
      [WORLDS.workshop.id, acme, alice],
    ),
);

const worlds: Readonly<Record<string, Limit>> = {
  'a delegation limited to a world, for rows in none': [
    'D11',
    'scout',
    garden,
    inGarden(),
    [
      reads(2),
      step('select from memories where world_id is null', 0),
      writes('42501'),
      writes('42501', alice, WORLDS.workshop.id),
      step('select from worlds', 1),
    ],
  ],
  'a delegation limited to a world, for kinds that stand in none': [
    'D11',
    'scout',
    garden,
    inGarden(),
    [
      step('select from users', 0),
      step('select from agents', 0),
      step('select from delegations where owner_id = $1 and delegator_id <> $2 and delegate_id <> $2', 0, [
        alice,
        AGENTS.scout.id,
      ]),
      step(
        CAPABILITIES,
        JSON.stringify(['member:read', ...[...MEMORY].sort(), 'world:read']).replaceAll(',', ', '),
      ),
    ],
  ],
  'a world of which the owner is no member any more': [
    'D11',
    'scout',
    garden,
    inGarden(left),
    [reads(0), step(CAPABILITIES, '[]'), writes('42501', alice, GARDEN)],
  ],
  'a world that was suspended': [
    'D11',
    'scout',
    garden,
    inGarden(suspend('garden')),
    [reads(0), step(CAPABILITIES, '[]')],
  ],
  'a world that was archived': [
    'D11',
    'scout',
    garden,
    inGarden(set('entities', GARDEN, `status = 'archived'`)),
    [reads(0), step(CAPABILITIES, '[]')],
  ],
  'a world left here and not in another tenant': [
    'D3 D11',
    'scout',
    garden,
    inGarden(twins, left),
    [reads(0), step(CAPABILITIES, '[]')],
  ],
  'a world archived here and active in another tenant': [
    'D3 D11',
    'scout',
    garden,
    inGarden(twins, set('entities', GARDEN, `status = 'archived'`)),
    [reads(0), step(CAPABILITIES, '[]')],
  ],
  'a world of which the owner is a member, limited to another': [
    'D11',
    'scout',
    garden,
    inGarden(inBoth),
    [reads(2), step('select from worlds', 1), writes('42501', alice, WORLDS.workshop.id)],
  ],
  'a world of which somebody else is a member': [
    'D11',
    'scout',
    asUpper,
    pair({ world: WORLDS.workshop.id, capabilities: MEMORY }),
    [reads(0), writes('42501', alice, WORLDS.workshop.id)],
  ],
  'two worlds in one chain': [
    'D11',
    'scribe',
    asLower,
    together(
      inBoth,
      pair({ world: GARDEN, capabilities: MEMORY }, { world: WORLDS.workshop.id, capabilities: MEMORY }),
    ),
    [...powerless, writes('42501', alice, GARDEN)],
  ],
  'a limit to a world above, without one below': [
    'D11',
    'scribe',
    asLower,
    pair({ world: GARDEN }),
    [reads(2)],
  ],
  'a limit to a world below, without one above': [
    'D11',
    'scribe',
    asLower,
    pair({}, { world: GARDEN }),
    [reads(2)],
  ],
  'a suspended world, to write into it': [
    'D11',
    'alice',
    {},
    suspend('garden'),
    [writes('42501', alice, GARDEN), step('select from worlds where id = $1', 1, [GARDEN])],
  ],
  'a world left here and not in another tenant, to write into it': [
    'D3 D11',
    'bob',
    {},
    together(twins, (sql) =>
      sql.rows('delete from world_members where tenant_id = $1 and world_id = $2 and entity_id = $3', [
        acme,
        GARDEN,
        USERS.bob.id,
      ]),
    ),
    [writes('42501', USERS.bob.id, GARDEN), step('select from worlds where id = $1', 0, [GARDEN])],
  ],
};

export const CONFINED: readonly SqlAttack[] = limited(worlds, false);
