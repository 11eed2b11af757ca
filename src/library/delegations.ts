// Letting an agent act for whoever a session is for, and ending that. Asks bailiwick.grant_refusal and says what it answered; what may be
// granted is decided there.

import type { PoolClient } from 'pg';
import { BailiwickError } from '../errors.ts';
import { type DelegationId, isUuid, newId } from '../ids.ts';
import { type Key, keyText } from './principal.ts';
import { sessionOf } from './running.ts';

const REASONS = {
  authority: 'A person grants its own authority in person; an agent passes on the delegation it acts under.',
  redelegate: 'The delegation above leaves fewer further hops, or none.',
  capabilities: 'Some capability is unknown, lacks reading of its kind, or is not in the delegation above.',
  world:
    'There is no such world, the delegation above is limited to another, or the owner is not a member of it.',
  lifetime: 'It would end in the past, later than the delegation above, or later than is allowed.',
  cycle: 'An agent cannot hold two hops of one chain.',
  delegate: 'There is no such agent of the owner that takes part.',
} as const;

/** Which rule stands against a delegation. */
export type RefusalReason = keyof typeof REASONS;

/** A delegation was not granted. Nothing has happened, and the session goes on. */
export class DelegationRefused extends BailiwickError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super('FORBIDDEN', REASONS[reason]);
    this.name = 'DelegationRefused';
    this.reason = reason;
  }
}

export type Grant = {
  /** Who is to hold it: an agent of the owner. */
  readonly to: { readonly agent: Key };
  /** What it allows, as kind:verb; whoever may write a kind must be able to read it. */
  readonly capabilities: readonly string[];
  readonly expiresAt: Date;
  /** The world to which it is limited. */
  readonly world?: Key | undefined;
  /** How many further hops it allows; none where it is left out. */
  readonly redelegate?: number | undefined;
  readonly purpose?: string | undefined;
};

const GRANT = `
with named as materialized (
  select bailiwick_adoption.entity('agent', $4) as delegate_id, bailiwick_adoption.entity('world', $9) as world_id,
         date_trunc('milliseconds', statement_timestamp()) as not_before),
asked as materialized (
  select n.*, case when $9::text is not null and n.world_id is null then 'world'
    else bailiwick.grant_refusal($2::uuid, $3::uuid, n.delegate_id, $5::uuid, $6::int, $7::int, $8::text[], n.world_id, n.not_before,
      $10::timestamptz) end as reason
    from named n),
made as (
  insert into bailiwick_data.delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate, capabilities,
    world_id, purpose, not_before, expires_at)
  select $12::uuid, $1::uuid, $2, $3, a.delegate_id, $5, $6, $7, $8, a.world_id, $11, a.not_before, $10
    from asked a where a.reason is null)
select reason from asked`;

/**
 * Lets an agent act, as the present authority allows: of a person in person, or of an agent under its delegation.
 *
 * @param client Of a session that may write.
 * @returns the delegation's id, with which the agent opens sessions.
 * @throws {DelegationRefused} with the rule that stands against it.
 */
export async function delegate(
  client: PoolClient,
  { to, capabilities, expiresAt, world, redelegate = 0, purpose }: Grant,
): Promise<string> {
  const { tenantId, ownerId, actorId, chain } = sessionOf(client).context;
  const id = newId<DelegationId>();
  const { rows } = await client.query<{ reason: RefusalReason | null }>({
    name: 'bailiwick_grant',
    text: GRANT,
    values: [
      id,
      ownerId,
      actorId,
      keyText(to.agent),
      chain.at(-1) ?? null,
      chain.length + 1,
      redelegate,
      capabilities,
      world === undefined ? null : keyText(world),
      expiresAt,
      purpose ?? null,
      tenantId,
    ],
  });
  const reason = rows[0]?.reason;
  if (reason !== null) {
    throw new DelegationRefused(reason ?? 'authority');
  }
  return id;
}

/**
 * Ends a delegation, and with it every one below, from the next statement on.
 *
 * @returns since when it is ended; null when there is none that the present authority may end.
 */
export async function revoke(client: PoolClient, id: string): Promise<Date | null> {
  sessionOf(client);
  if (!isUuid(id)) {
    return null;
  }
  const { rows } = await client.query<{ at: Date | null }>({
    name: 'bailiwick_revoke',
    text: 'select bailiwick.revoke_delegation($1) as at',
    values: [id],
  });
  return rows[0]?.at ?? null;
}
