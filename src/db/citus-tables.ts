// Where each table stands on a Citus cluster, and why. Whoever adds a table decides it here: test/scale/citus.test.ts compares this
// list with the catalog and fails for a table that is not in it.
//
// Everything of a tenant is on one node, in shards of the same number: what the kernel reads to decide about a row is beside the row.
// This file says where and moves nothing; src/db/citus.ts does.

/** The table by whose shards all others are placed. */
export const ANCHOR = 'public.entities';

/** The column that decides on which node a row is. */
export const DISTRIBUTION_COLUMN = 'tenant_id';

export type Placement = {
  /**
   * `distributed`: by tenant, beside `ANCHOR`. `reference`: all of it on every node. `node`: a table of each node by itself, with the
   * same columns. `coordinator`: there and nowhere else.
   */
  readonly kind: 'distributed' | 'reference' | 'node' | 'coordinator';
  readonly why: string;
};

const ofTenant = (why: string): Placement => ({ kind: 'distributed', why });
const everywhere = (why: string): Placement => ({ kind: 'reference', why });

/** By qualified name. Partitions follow their table and are not named. */
export const PLACEMENTS: Readonly<Record<string, Placement>> = {
  'public.tenants': everywhere(
    'a context is opened by the name of its tenant, which is unique over all; few rows, the operator’s',
  ),
  'public.issuers': everywhere(
    'an issuer is trusted by one tenant of all, and looked up before there is one; few rows, the operator’s',
  ),
  'public.entities': ofTenant('read in every statement, to see who is active'),
  'public.identities': ofTenant('read when a context is opened'),
  'public.users': ofTenant('belongs to its entity'),
  'public.agents': ofTenant('belongs to its entity'),
  'public.agent_instructions': ofTenant('belongs to its agent'),
  'public.worlds': ofTenant('belongs to its entity'),
  'public.world_members': ofTenant('read by the policies of what stands in worlds'),
  'public.delegations': ofTenant('read in every statement under a chain'),
  'public.memories': ofTenant('the rows that agents work on'),
  'public.audit_entries': ofTenant(
    'written with the change that it tells of; partitioned by time within each shard',
  ),
  'public.credentials': ofTenant(
    'refers to entities and delegations; its digest is unique within the tenant',
  ),
  'public.tenant_keys': ofTenant('wrapped keys of the tenant'),
  'public.data_keys': ofTenant('wrapped keys of its holders'),
  'public.service_credentials': ofTenant('belongs to its owner'),
  'public.service_secrets': ofTenant('belongs to its credential'),
  'public.permissions': ofTenant('read when an action is judged'),
  'public.approvals': ofTenant('refers to the delegation it was asked through'),
  'public.activity_entries': ofTenant('partitioned by time within each shard'),
  'public.baselines': ofTenant('belongs to its agent'),
  'public.access_receipts': ofTenant('belongs to its agent'),
  'bailiwick.events': ofTenant('written with the change; read and thrown away on the node where that was'),
  'bailiwick.spent': everywhere('a token that was ended counts nowhere, and its mark names no tenant'),
  'bailiwick.refresh_tokens': everywhere('found by its digest alone, which names no tenant'),
  'bailiwick.signing_keys': everywhere('of the whole installation; a handful'),
  'bailiwick.context_key': {
    kind: 'node',
    why: 'read in every statement; and a seal key that never leaves its node opens nothing on another',
  },
  'bailiwick.policy_state': { kind: 'node', why: 'says which policies this node enforces' },
  'bailiwick.key_rotations': { kind: 'coordinator', why: 'the operator’s note of work under way' },
  'public._prisma_migrations': {
    kind: 'coordinator',
    why: 'the history of the schema, which Citus carries on',
  },
};

/** The qualified names of one kind, in the order in which they are distributed. */
export function placed(kind: Placement['kind']): string[] {
  return Object.keys(PLACEMENTS).filter((table) => PLACEMENTS[table]?.kind === kind);
}

/**
 * Unique indexes of distributed tables that do not hold the tenant today, with the columns they get on a cluster: unique within each
 * shard is all that a cluster can promise.
 */
export const WITHIN_TENANT: Readonly<Record<string, { table: string; columns: readonly string[] }>> = {
  credentials_digest_key: { table: 'public.credentials', columns: ['tenant_id', 'digest'] },
};
