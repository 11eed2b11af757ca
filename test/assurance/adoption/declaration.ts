// What the shop of shape.ts declares of its tables, as its people would write it: the text of their bailiwick.config.ts, and the file of
// a mapping beside it.

import { FIRST_BAD, OF, USERS_EACH } from './shape.ts';

export type Declared = { readonly config: string; readonly mapping: string };

/** @param roles The application's roles in the database. */
export function declarationFor(tenants: number, roles: readonly string[]): Declared {
  const lost = tenants * USERS_EACH + 1;
  const config = `import type { Adoption } from 'bailiwick/adoption';

const byAgent = { through: [{ column: 'agent_id', table: 'agents' }], column: 'user_id' };
const unplaced = { quarantine: '${lost}' };

export default {
  schema: 'shop',
  roles: [${roles.map((role) => `'${role}'`).join(', ')}],
  tenants: { table: 'tenants', key: 'slug' },
  users: { table: 'users', tenant: ['tenant_slug', { through: [{ column: 'team_id', table: 'teams' }], column: 'tenant_slug' }] },
  agents: { table: 'agents', owner: 'user_id' },
  worlds: { table: 'rooms', owner: ['owner_id', byAgent] },
  tables: {
    teams: { exempt: 'who is in which team is no secret' },
    agents: { kind: 'bot', owner: 'user_id', unplaced },
    rooms: { kind: 'room', owner: ['owner_id', byAgent], unplaced },
    participants: { kind: 'participant', owner: 'user_id', tenant: 'tenant_slug', unplaced },
    messages: {
      kind: 'message',
      owner: [
        'author_id',
        byAgent,
        { through: [{ column: 'room_id', table: 'rooms' }, { column: 'agent_id', table: 'agents' }], column: 'user_id' },
      ],
      world: 'room_id',
      unplaced,
    },
    memories: {
      kind: 'memory',
      owner: [byAgent, { through: [{ column: 'room_id', table: 'participants', key: 'room_id' }], column: 'user_id' }],
      unplaced,
    },
    documents: {
      kind: 'document',
      owner: ['owner_id', { through: [{ column: 'parent_id', table: 'documents' }], column: 'owner_id' }],
      tenant: 'tenant_slug',
      unplaced,
    },
    document_versions: {
      kind: 'document',
      owner: [
        { through: [{ column: 'document_id', table: 'documents' }], column: 'owner_id' },
        { through: [{ column: 'document_id', table: 'documents' }, { column: 'parent_id', table: 'documents' }], column: 'owner_id' },
      ],
      unplaced,
    },
    orders: { kind: 'order', owner: 'user_id', tenant: 'tenant_slug', unplaced },
    order_lines: { kind: 'order', owner: { through: [{ column: 'order_id', table: 'orders' }], column: 'user_id' }, unplaced },
    api_keys: { kind: 'key', owner: [byAgent, { constant: '1' }], unplaced },
    notes: { kind: 'note', owner: ['author_id', { mapping: 'notes.csv', by: 'import_number' }], unplaced },
    events: {
      kind: 'event',
      owner: [
        'user_id',
        {
          through: [
            { column: 'message_id', table: 'messages' },
            { column: 'room_id', table: 'rooms' },
            { column: 'agent_id', table: 'agents' },
          ],
          column: 'user_id',
        },
        { through: [{ column: 'key_id', table: 'api_keys' }, { column: 'agent_id', table: 'agents' }], column: 'user_id' },
      ],
      unplaced,
    },
  },
} satisfies Adoption;
`;
  const lines: string[] = [];
  for (let n = 1; n <= 20 * tenants; n += 1) {
    const at = n % OF;
    if (at === 198) {
      lines.push(`imp-${n},${1_000_000_000 + n}`);
    } else if (at < FIRST_BAD && n % 5 === 0) {
      lines.push(`imp-${n},${1 + ((n - 1) % (tenants * USERS_EACH))}`);
    }
  }
  return { config, mapping: `${lines.join('\n')}\n` };
}
