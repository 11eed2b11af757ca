// Whose the rows of the catalogue are: a team's lead answers for it, and for all that hangs on it. Where the lead has left, a file says who
// does now. The column tenant_id counts where a row has it; of repositories it was never right, so there the owner's tenant counts.

import type { Adoption } from 'bailiwick/adoption';

const TEAM = { column: 'team_id', table: 'teams' };
const ENTITY = { column: 'entity_id', table: 'catalog_entities' };
const byTeam = [
  { mapping: 'teams.csv', by: 'team_id' },
  { through: [TEAM], column: 'lead' },
];
const byEntity = { through: [ENTITY, TEAM], column: 'lead' };
/** Nobody signs in as this user: what nobody can place is theirs, until somebody has looked at it. */
const unplaced = { quarantine: 'attic@red.example' };
const tenant = 'tenant_id';

export default {
  tenants: { table: 'tenants' },
  users: { table: 'users', key: 'email', tenant },
  roles: ['catalogue_app'],
  tables: {
    users: { kind: 'user', owner: 'email', tenant },
    teams: { kind: 'team', owner: [{ mapping: 'leads.csv', by: 'lead' }, 'lead'], tenant, unplaced },
    team_members: { kind: 'member', owner: byTeam, tenant },
    catalog_entities: { kind: 'entity', owner: byTeam, tenant, unplaced },
    repositories: { kind: 'repository', owner: byEntity },
    scorecards: { kind: 'scorecard', owner: byEntity, tenant, unplaced },
    api_keys: { kind: 'key', owner: 'user_email', tenant },
    schema_versions: { exempt: 'which migrations have run, of nobody' },
  },
} satisfies Adoption;
