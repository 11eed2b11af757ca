// Memories that are shared in worlds, for the tests of policies and for the probe: of members, of one who has left, where nobody can be,
// and one that a guest does not share. Twins of alice's and of ada's make members in the other tenant of whoever is none, or a guest, here.
//
// Makes rows and expects nothing. Those of the demo stand in src/demo/memories.ts.

import { id, TENANTS, USERS, type UserName, WORLDS } from '../../src/demo/cast.ts';
import type { EntityId, MemoryId, TenantId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';

const memory = (last: string): MemoryId => id(6, last);

/** The memories that are shared, by who shares where. Bob has left the Study, and the Attic is archived. */
export const SHARED = {
  'alice garden': memory('54a4eda9'),
  'alice study': memory('54a4eda5'),
  'alice attic': memory('54a4edaa'),
  'bob garden': memory('54a4edb9'),
  'bob study': memory('54a4edb5'),
  'bob attic': memory('54a4edba'),
  'bob workshop': memory('54a4edb3'),
  'mallory vault': memory('54a4edf4'),
} as const;
type Place = keyof typeof SHARED;

/** A memory of Ada's in the Study, of which she is a guest: not shared. */
export const GUESTS = memory('54a4e9e57');

/** Keeps a memory, whatever the policies would say to it. */
export async function keepMemory(
  sql: Sql,
  kept: { tenant?: TenantId; id: MemoryId; owner: EntityId; world: EntityId; shared: boolean },
): Promise<void> {
  await sql.rows(
    `insert into memories (tenant_id, id, owner_id, world_id, shared, content, tags, created_by, request_id)
     values ($1, $2, $3, $4, $5, 'Shared.', '{}', $3, $6)`,
    [
      ...[kept.tenant ?? TENANTS.acme.id, kept.id, kept.owner, kept.world, kept.shared],
      id<string>(7, 'a44a96e'),
    ],
  );
}

/** Lays those out. The cast and the two worlds must be there. */
export async function arrangeSharing(sql: Sql, study: EntityId, attic: EntityId): Promise<void> {
  const { garden, workshop, vault } = WORLDS;
  const places = { garden: garden.id, workshop: workshop.id, vault: vault.id, study, attic };
  for (const [place, key] of Object.entries(SHARED) as [Place, MemoryId][]) {
    const [who, world] = place.split(' ') as [UserName, keyof typeof places];
    const { id: owner, tenant } = USERS[who];
    await keepMemory(sql, {
      tenant: TENANTS[tenant].id,
      id: key,
      owner,
      world: places[world],
      shared: true,
    });
  }
  await keepMemory(sql, { id: GUESTS, owner: USERS.ada.id, world: study, shared: false });
}

/** The one of alice's twin. The twin and its garden must be there. */
export async function arrangeSharingTwin(sql: Sql): Promise<void> {
  const owner = USERS.alice.id;
  await keepMemory(sql, {
    ...{
      tenant: TENANTS.globex.id,
      id: SHARED['alice garden'],
      owner,
      world: WORLDS.garden.id,
      shared: true,
    },
  });
}
