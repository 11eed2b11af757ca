// What `bailiwick token` asks the database, as the migrator: in which tenants a name is known, and which delegations it
// can act under right now. In force means the whole chain: the delegation and all those above it.

import { withClient } from '../../db/with-client.ts';
import type { DelegationId } from '../../ids.ts';

export type Search = {
  /** The `iss` of the tokens. */
  readonly issuer: string;
  /** The `sub` of whoever acts. */
  readonly actor: string;
  /** The `sub` of whom they act for. */
  readonly owner: string | undefined;
  readonly tenant: string | undefined;
  readonly delegation: DelegationId | undefined;
};

export type Delegation = {
  readonly id: DelegationId;
  /** `sub` of the owner, at the root of the chain. */
  readonly owner: string;
  readonly capabilities: readonly string[];
  /** Name of the one world it is limited to. */
  readonly world: string | null;
  readonly purpose: string | null;
  readonly expiresAt: Date;
};

/** Slugs of the tenants that know the actor. */
export async function findTenants(migratorUrl: string, { issuer, actor, tenant }: Search): Promise<string[]> {
  const rows = await query<{ slug: string }>(
    migratorUrl,
    `select t.slug
       from public.identities i join public.tenants t on t.tenant_id = i.tenant_id
      where i.issuer = $1 and i.subject = $2 and ($3::text is null or t.slug = $3)
      order by t.slug`,
    [issuer, actor, tenant ?? null],
  );
  return rows.map(({ slug }) => slug);
}

/** The actor's delegations that are in force, narrowed by whatever else the search names; newest first. */
export async function findDelegations(migratorUrl: string, search: Search): Promise<Delegation[]> {
  return await query<Delegation>(
    migratorUrl,
    `with recursive chain as (
       select d.id as leaf, d.* from public.delegations d
       union all
       select chain.leaf, p.*
         from chain join public.delegations p on p.tenant_id = chain.tenant_id and p.id = chain.parent_id
     ), in_force as (
       select tenant_id, leaf from chain group by tenant_id, leaf
       having bool_and(revoked_at is null and not_before <= now() and expires_at > now())
     )
     select d.id, owner.subject as owner, d.capabilities, w.name as world, d.purpose, d.expires_at as "expiresAt"
       from in_force
       join public.delegations d on d.tenant_id = in_force.tenant_id and d.id = in_force.leaf
       join public.tenants t on t.tenant_id = d.tenant_id
       join public.identities actor on actor.tenant_id = d.tenant_id and actor.entity_id = d.delegate_id
       join public.identities owner on owner.tenant_id = d.tenant_id and owner.entity_id = d.owner_id
       left join public.worlds w on w.tenant_id = d.tenant_id and w.id = d.world_id
      where actor.issuer = $1 and owner.issuer = $1 and actor.subject = $2 and t.slug = $3
        and ($4::text is null or owner.subject = $4) and ($5::uuid is null or d.id = $5)
      order by d.created_at desc, d.id desc`,
    [search.issuer, search.actor, search.tenant, search.owner ?? null, search.delegation ?? null],
  );
}

async function query<Row>(url: string, text: string, values: unknown[]): Promise<Row[]> {
  return withClient(url, async (client) => (await client.query(text, values)).rows as Row[]);
}
