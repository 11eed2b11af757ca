// How a move is put to PostgreSQL, and how its answer reads: as names of rows, as admitted or refused, as a word.
//
// Values travel as one jsonb parameter, never in the text. A change without a WHERE says nothing of the rows it touched, so
// each such statement comes with a look: a query, asked by an owner of the tables, that finds its mark.

import { type Attempt, type Common, done, ended, kept, look, rows, told } from './answers.ts';
import { grantColumns, keyColumns, NEW, newColumns, sealed, soon } from './columns.ts';
import { WHY_NOT } from './load.ts';
import { type Move, type NewRow, nameOfMove, type ResealedTable } from './moves.ts';
import { outsideOf, versionOf } from './outside-statements.ts';
import type { TableName } from './rows.ts';
import { type Asker, idOf, tenantId } from './world.ts';

/** A change that leaves a mark and could otherwise be made by anybody who may change the row. */
const MARKS: Readonly<Partial<Record<TableName, readonly [set: string, found: string]>>> = {
  entities: [`ceiling = '["marked:row"]'`, `ceiling = '["marked:row"]'`],
  users: [`display_name = 'marked'`, `display_name = 'marked'`],
  agents: [`name = 'marked'`, `name = 'marked'`],
  agent_instructions: [`updated_at = '-infinity'`, `updated_at = '-infinity'`],
  worlds: [`name = 'marked'`, `name = 'marked'`],
  // of a membership nothing but the role is changed, and some are guests before
  world_members: [`role = 'guest'`, `pg_xact_status(xmin::text::xid8) = 'in progress'`],
  memories: [`kind = 'marked'`, `kind = 'marked'`],
  service_credentials: [`label = 'marked'`, `label = 'marked'`],
  service_secrets: [`secret_index = 'marked'`, `secret_index = 'marked'`],
  permissions: [`note = 'marked'`, `note = 'marked'`],
  baselines: ['threshold = 0.07', 'threshold = 0.07'],
};

const NAMES = `string_agg(tenant_id || '/' || id, ' ')`;

/** The statement of a move. */
export function attemptOf(move: Move, asker: Asker | undefined): Attempt {
  const common: Common = { name: nameOfMove(move), given: {}, look: null };
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
        text: removal(move.table),
        look: `select ${NAMES} from ${move.table}`,
        read: rows,
      };
    case 'delete seen':
      return { ...common, text: returning(`delete from ${move.table}`, before(move.table)), read: rows };
    case 'insert':
      return insertion(common, move.table, newColumns(move.table, move.row), move.row);
    case 'seal':
      return sealing(common, move.table, sealed(move.value));
    case 'share':
      return {
        ...common,
        text: returning("update memories set shared = true where id = ($1 #>> '{}')::uuid"),
        given: idOf(`m${move.memory}`),
        read: rows,
      };
    case 'take back':
      return {
        ...common,
        text: `update memories set shared = false, updated_at = '-infinity'`,
        look: `select ${NAMES} from memories where updated_at = '-infinity'`,
        read: rows,
      };
    case 'keep tenant key': {
      const text = `select bailiwick.add_tenant_key('${NEW}', '${move.purpose}', 'x', false)::text`;
      return { ...common, text, read: kept };
    }
    case 'keep data key': {
      const [holder, below] = [move.wanted.holder, move.wanted.below].map(idOf);
      const text = `select bailiwick.add_data_key('${NEW}', '${holder}', '${below}', 'x', false)::text`;
      return { ...common, text, read: kept };
    }
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
        text: `select array_to_string(ended, ' ') || ' ' || ${ENDED} from ${KERNEL('revoke_agent($1)')} ended`,
        given: idOf(`a${move.agent}`),
        read: ended,
      };
    case 'why no key':
      return {
        ...common,
        text: `select bailiwick.key_refusal(${ENTITY}, ${REST})`,
        given: keyColumns(move.wanted),
        read: ({ value, refused }) => refused ?? value ?? 'no reason',
      };
    case 'make key':
      return {
        ...common,
        text: `select coalesce(bailiwick.issue_key('${NEW_KEY}', ${ENTITY}, 'New', 'bwk_News', '${DIGEST}', ${REST}), ${MADE})`,
        given: keyColumns(move.wanted),
        read: told,
      };
    case 'make client':
      return {
        ...common,
        text: `select coalesce(bailiwick.issue_key('${NEW_KEY}', ${ENTITY}, 'New', null, null, ${REST}, '{}'), ${MADE})`,
        given: keyColumns(move.wanted),
        read: told,
      };
    case 'start session': {
      const call = `start_session('${NEW_KEY}', 'New', ${CAPABILITIES}, ${ENDS})`;
      return {
        ...common,
        text: `select coalesce(bailiwick.${call}, ${MADE})`,
        given: { capabilities: move.wanted.capabilities, expires_at: soon(move.wanted.ends) },
        read: told,
      };
    }
    case 'rotate': {
      const { key, ends, overlap } = move.rotation;
      const call = `rotate_key('${idOf(`k${key}`)}', '${NEW_KEY}', 'bwk_News', '${DIGEST}', ($1 #>> '{}')::timestamptz, interval '${overlap} seconds')`;
      return {
        ...common,
        text: `select coalesce(bailiwick.${call}, ${MADE})`,
        given: soon(ends),
        read: told,
      };
    }
    case 'revoke key':
      return {
        ...common,
        text: `select case when ${KERNEL('revoke_key($1)')} is not null then ${ENDED} end`,
        given: idOf(`k${move.key}`),
        read: ended,
      };
    case 'end credentials':
      return {
        ...common,
        text: `select case when ${KERNEL('end_credentials($1)')} is not null then ${ENDED} end`,
        given: idOf(move.entity),
        read: ended,
      };
    case 'use':
      return {
        ...common,
        text: 'select bailiwick.keys_used($1)::text',
        given: [{ tenant: tenantId(asker?.tenant ?? 0), id: idOf(`k${move.key}`), at: soon(0) }],
        read: ({ value, refused }) => refused ?? `told of ${value}`,
      };
    case 'use service':
    case 'redirect':
    case 'leave receipts':
    case 'revealed':
    case 'acting':
    case 'authorize':
    case 'asked':
    case 'note verdict':
    case 'preview':
    case 'decide':
    case 'redeem':
      return outsideOf(common, move);
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
        text: `select bailiwick.audit(bailiwick.id_at(clock_timestamp()), 'assurance.tried', null, null, null)::text`,
        read: ({ refused }) => refused ?? 'written',
      };
    default:
      return move satisfies never;
  }
}

const NEW_KEY = idOf('k99');
const DIGEST = 'f'.repeat(64);
/** The arguments of a key that is wanted. */
const ENTITY = `($1->>'entity_id')::uuid`;
const CAPABILITIES = `array(select jsonb_array_elements_text($1->'capabilities'))`;
const ENDS = `($1->>'expires_at')::timestamptz`;
const REST = `${CAPABILITIES}, ($1->>'pinned_id')::uuid, ${ENDS}`;
/** What was made and for whom, under what, in whose place, and whether that one has ended. */
const MADE = look(`
  select concat_ws(' ', 'made', nullif(n.kind, 'key'), n.tenant_id || '/' || n.entity_id, n.pinned_id, n.replaces_id,
           case when o.revoked_at is not null then 'at once' when o.expires_at < now() + interval '90 minutes' then 'soon' end)
    from credentials n left join credentials o on o.tenant_id = n.tenant_id and o.id = n.replaces_id where n.id = '${NEW_KEY}'`);
/** The keys that were revoked and the entities whose tokens were ended just now. */
const ENDED = look(`
  select coalesce(string_agg(tenant_id || '/' || id, ' '), '') from (
    select tenant_id, id from credentials where revoked_at > now() - interval '10 seconds'
    union all
    select tenant_id, id from entities where credential_epoch between now() - interval '10 seconds' and now() + interval '1 minute') e`);

const KERNEL = (call: string) => `bailiwick.${call.replace('$1', `($1 #>> '{}')::uuid`)}`;
const ending = (call: string) => `select ${KERNEL(call)}::text`;
/** A credential for a service goes with its secret, which refers to it. */
const before = (table: TableName) =>
  table === 'service_credentials' ? ['secrets as (delete from service_secrets)'] : [];
const removal = (table: TableName) => {
  const [first] = before(table);
  return `${first === undefined ? '' : `with ${first} `}delete from ${table}`;
};
const returning = (statement: string, others: readonly string[] = []) =>
  `with ${[...others, `touched as (${statement} returning tenant_id, id)`].join(', ')} select ${NAMES} from touched`;

function insertion(
  common: Common,
  table: TableName,
  given: Readonly<Record<string, unknown>>,
  row?: NewRow,
): Attempt {
  const columns = Object.keys(given).join(', ');
  // whoever asks knows the version of the rules from the kernel; who lies says another
  const known =
    table !== 'approvals' || row?.about === undefined || 'version' in given
      ? undefined
      : versionOf(row.about);
  return {
    ...common,
    text: `insert into ${table} (${columns}${known === undefined ? '' : ', version'})
           select ${columns}${known === undefined ? '' : `, ${known}`} from jsonb_populate_record(null::${table}, $1)`,
    // the policy is asked before any constraint: whatever fails later was admitted
    look: 'select null',
    given,
    read: ({ refused }) =>
      refused === '42501'
        ? 'refused'
        : refused === '23503' &&
            (table === 'service_credentials' || table === 'permissions' || table === 'baselines')
          ? 'unfit'
          : refused === null || refused.startsWith('23')
            ? 'admitted'
            : refused,
  };
}

/** Writes a value into every encrypted column of a table, and finds it there. */
function sealing(common: Common, table: ResealedTable, value: string): Attempt {
  const set = {
    memories: `sensitive = true, shared = false, content = $1 #>> '{}', metadata = $1`,
    agent_instructions: `system_prompt = $1 #>> '{}', private_instructions = $1 #>> '{}'`,
    service_secrets: `secret = $1 #>> '{}'`,
  };
  return {
    ...common,
    text: `update ${table} set ${set[table]}, updated_at = '-infinity'`,
    given: value,
    look: `select ${NAMES} from ${table} where updated_at = '-infinity'`,
    read: rows,
  };
}
