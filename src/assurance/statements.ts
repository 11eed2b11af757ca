// How a move is put to PostgreSQL, and how its answer reads: as names of rows, as admitted or refused, as a word.
//
// Values travel as one jsonb parameter, never in the text. A change without a WHERE says nothing of the rows it touched, so
// each such statement comes with a look: a query, asked by an owner of the tables, that finds its mark.

import type { NewGrant } from './grants.ts';
import { WHY_NOT } from './load.ts';
import { type Lie, type Move, type NewRow, nameOfMove } from './moves.ts';
import type { TableName } from './rows.ts';
import { type Asker, idOf, nameOf, tenantId } from './world.ts';

export type Attempt = {
  readonly name: string;
  readonly text: string;
  readonly given: unknown;
  /** Set where the statement returns nothing. */
  readonly look: string | null;
  /** Makes the answer readable: a value or null, or an SQLSTATE. */
  readonly read: (answer: Answer) => string;
};
export type Answer = { readonly value: string | null; readonly refused: string | null };

/** A change that leaves a mark and could otherwise be made by anybody who may change the row. */
const MARKS: Readonly<Partial<Record<TableName, readonly [set: string, found: string]>>> = {
  entities: [`ceiling = '["marked:row"]'`, `ceiling = '["marked:row"]'`],
  users: [`display_name = 'marked'`, `display_name = 'marked'`],
  agents: [`name = 'marked'`, `name = 'marked'`],
  agent_instructions: [`system_prompt = 'marked'`, `system_prompt = 'marked'`],
  worlds: [`name = 'marked'`, `name = 'marked'`],
  world_members: [`role = 'guest'`, `role = 'guest'`],
  memories: [`kind = 'marked'`, `kind = 'marked'`],
};

const NAMES = `string_agg(tenant_id || '/' || id, ' ')`;
/** An id that no row has. */
const NEW = idOf('m99');

/** The statement of a move. */
export function attemptOf(move: Move, asker: Asker | undefined): Attempt {
  const common = { name: nameOfMove(move), given: {}, look: null };
  switch (move.verb) {
    case 'see':
      return { ...common, text: `select ${NAMES} from ${move.table}`, read: rows };
    case 'update':
    case 'update seen': {
      const [set, found] = MARKS[move.table] ?? ['', ''];
      const update = `update ${move.table} set ${set}`;
      return move.verb === 'update'
        ? { ...common, text: update, look: `select ${NAMES} from ${move.table} where ${found}`, read: rows }
        : { ...common, text: returning(update), read: rows };
    }
    case 'delete':
      // which rows are left
      return {
        ...common,
        text: `delete from ${move.table}`,
        look: `select ${NAMES} from ${move.table}`,
        read: rows,
      };
    case 'delete seen':
      return { ...common, text: returning(`delete from ${move.table}`), read: rows };
    case 'insert':
      return insertion(common, move.table, columnsOf(move.table, move.row));
    case 'grant':
      return insertion(common, 'delegations', grantColumns(move.grant, asker?.tenant ?? 0));
    case 'why not':
      return {
        ...common,
        text: WHY_NOT,
        given: grantColumns(move.grant, asker?.tenant ?? 0),
        read: ({ value, refused }) => refused ?? value ?? 'no reason',
      };
    case 'revoke':
      return {
        ...common,
        text: ending('revoke_delegation($1)'),
        given: idOf(`d${move.delegation}`),
        read: done,
      };
    case 'narrow':
      return {
        ...common,
        text: ending(`narrow_delegation($1, statement_timestamp() + interval '1 minute')`),
        given: idOf(`d${move.delegation}`),
        read: done,
      };
    case 'kill':
      return {
        ...common,
        text: `select array_to_string(${KERNEL('revoke_agent($1)')}, ' ')`,
        given: idOf(`a${move.agent}`),
        read: ({ value, refused }) =>
          refused ?? (value === null ? 'nothing' : `ended ${names(value)}`.trim()),
      };
    case 'describe':
      return {
        ...common,
        text: `select concat_ws(' ', case when d->>'live' = 'true' then 'live' else 'dead' end,
                      case when d->>'administrator' = 'true' then 'administrator' end,
                      concat_ws('/', d->'actor'->>'kind', d->'actor'->>'status', d->'owner'->>'status',
                        jsonb_array_length(d->'chain')),
                      (select string_agg(c, ' ' order by c collate "C") from jsonb_array_elements_text(d->'capabilities') c))
                 from bailiwick.describe() d where d is not null`,
        read: ({ value, refused }) => refused ?? value ?? 'nobody',
      };
    case 'audit':
      return {
        ...common,
        text: `select ${KERNEL(`audit($1, 'assurance.tried', null, null, null)`)}::text`,
        given: NEW,
        read: ({ refused }) => refused ?? 'written',
      };
    default:
      return move satisfies never;
  }
}

const KERNEL = (call: string) => `bailiwick.${call.replace('$1', `($1 #>> '{}')::uuid`)}`;
const ending = (call: string) => `select ${KERNEL(call)}::text`;
const returning = (statement: string) =>
  `with touched as (${statement} returning tenant_id, id) select ${NAMES} from touched`;

function insertion(
  common: Pick<Attempt, 'name'>,
  table: TableName,
  given: Readonly<Record<string, unknown>>,
): Attempt {
  const columns = Object.keys(given).join(', ');
  return {
    ...common,
    text: `insert into ${table} (${columns}) select ${columns} from jsonb_populate_record(null::${table}, $1)`,
    // the policy is asked before any constraint: whatever fails later was admitted
    look: 'select null',
    given,
    read: ({ refused }) =>
      refused === '42501' ? 'refused' : refused === null || refused.startsWith('23') ? 'admitted' : refused,
  };
}

function columnsOf(table: TableName, row: NewRow): Record<string, unknown> {
  const { tenant, owner, kind, status, place, user, lie } = row;
  const common = {
    tenant_id: tenantId(tenant),
    id: NEW,
    owner_id: idOf(owner),
    ...lying(lie),
  };
  const at = place === undefined || place === null ? {} : { world_id: idOf(`w${place}`) };
  const member = user === undefined ? {} : { entity_id: idOf(`u${user}`), role: 'member' };
  const own: Readonly<Partial<Record<TableName, object>>> = {
    entities: { kind, status: status ?? 'active' },
    agents: { name: 'new', settings: {} },
    agent_instructions: { system_prompt: 'new' },
    worlds: { name: 'new' },
    world_members: member,
    memories: { content: 'new', kind: 'note', tags: [], metadata: {} },
  };
  return { ...common, ...own[table], ...at };
}

function lying(lie: Lie | undefined): Record<string, unknown> {
  const stranger = idOf('u98');
  const columns = { maker: 'created_by', request: 'request_id', delegation: 'delegation_id' } as const;
  return lie === undefined ? {} : { [columns[lie]]: stranger };
}

const soon = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

function grantColumns(grant: NewGrant, tenant: number): Record<string, unknown> {
  return {
    tenant_id: tenantId(tenant),
    id: idOf('d99'),
    owner_id: idOf(grant.owner),
    delegator_id: idOf(grant.delegator),
    delegate_id: idOf(grant.delegate),
    parent_id: grant.parent === null ? null : idOf(`d${grant.parent}`),
    depth: grant.depth,
    redelegate: grant.redelegate,
    capabilities: grant.capabilities,
    world_id: grant.place === null ? null : idOf(`w${grant.place}`),
    not_before: soon(grant.starts),
    expires_at: soon(grant.ends),
    ...lying(grant.lie),
  };
}

function rows({ value, refused }: Answer): string {
  return refused ?? names(value ?? '');
}

function done({ value, refused }: Answer): string {
  return refused ?? (value === null ? 'nothing' : 'done');
}

/** `<tenant>/<id>` or `<id>`, several, as names in order. */
function names(text: string): string {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.split('/').map(nameOf).join('/'))
    .sort()
    .join(' ');
}
