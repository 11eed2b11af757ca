// Whose the rows of the store are: the account's whose agent it is. Where no owner of an agent was written down, a file says it. A row
// without an agent is its room's, and a room without an agent is theirs whose guest alone is in it.

import type { Adoption } from 'bailiwick/adoption';

const AGENT = { column: 'agent_id', table: 'agents' };
const ENTITY = { column: 'entity_id', table: 'entities' };
const IN_ROOM = { column: 'room_id', table: 'participants', key: 'room_id' };
const byAgent = [
  { through: [AGENT], column: 'owner_id' },
  { mapping: 'owners.csv', by: 'agent_id' },
];
const byRoom = { through: [{ column: 'room_id', table: 'rooms' }, AGENT], column: 'owner_id' };
const byGuests = { through: [IN_ROOM, ENTITY, AGENT], column: 'owner_id' };
/** Nobody signs in to this account: what nobody can place is theirs, until somebody has looked at it. */
const unplaced = { quarantine: 'a0000000-0000-4000-8000-000000000009' };

export default {
  tenants: { table: 'servers' },
  users: { table: 'accounts', tenant: 'server_id' },
  agents: { table: 'agents', owner: ['owner_id', { mapping: 'owners.csv', by: 'id' }] },
  roles: ['store_app'],
  tables: {
    accounts: { kind: 'account', owner: 'id', tenant: 'server_id' },
    agents: { kind: 'agent', owner: ['owner_id', { mapping: 'owners.csv', by: 'id' }] },
    entities: { kind: 'contact', owner: byAgent },
    rooms: {
      kind: 'room',
      owner: [...byAgent, { through: [{ ...IN_ROOM, column: 'id' }, ENTITY, AGENT], column: 'owner_id' }],
      unplaced,
    },
    participants: { kind: 'room', owner: { through: [ENTITY, AGENT], column: 'owner_id' } },
    memories: { kind: 'memory', owner: [...byAgent, byRoom, byGuests], unplaced },
    central_messages: {
      kind: 'message',
      owner: { through: [{ column: 'channel_id', table: 'rooms' }, AGENT], column: 'owner_id' },
      unplaced,
    },
    tasks: { kind: 'task', owner: byAgent },
    cache: { kind: 'cache', owner: byAgent, unplaced },
    plugin_migrations: { exempt: 'which migrations have run, of nobody' },
  },
} satisfies Adoption;
