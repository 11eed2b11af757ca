// Whose each row of the shop must be, said once more and by hand: a query for each table that follows the declaration (declaration.ts) and
// knows nothing of how adoption does it. Holds for whatever the load has made of the rows in the meantime.
//
// Against rows that nobody has touched it is itself held: shape.ts has said of each, when it was made, whose it must become.

import type pg from 'pg';
import { KEPT, type KeptName } from './planted.ts';
import { FIRST_BAD, made, OF, USERS_EACH } from './shape.ts';

/** The row's key columns, the owner that is said of it, and its tenant where that is declared. */
const SAID: Readonly<Record<KeptName, string>> = {
  agents: 'select id, user_id as owner, null as slug from shop.agents',
  rooms: `select r.id, coalesce(r.owner_id, a.user_id) as owner, null as slug from shop.rooms r left join shop.agents a on a.id = r.agent_id`,
  participants: 'select room_id, user_id, user_id as owner, tenant_slug as slug from shop.participants',
  messages: `
    select m.id, coalesce(m.author_id, a.user_id, h.user_id) as owner, null as slug from shop.messages m
      left join shop.agents a on a.id = m.agent_id left join shop.rooms r on r.id = m.room_id left join shop.agents h on h.id = r.agent_id`,
  memories: `
    select m.id, coalesce(a.user_id, p.who) as owner, null as slug from shop.memories m left join shop.agents a on a.id = m.agent_id
      left join (select room_id, min(user_id) as who from shop.participants group by 1 having min(user_id) = max(user_id)) p on p.room_id = m.room_id`,
  documents: `
    select d.id, coalesce(d.owner_id, p.owner_id) as owner, d.tenant_slug as slug from shop.documents d left join shop.documents p on p.id = d.parent_id`,
  document_versions: `
    select v.document_id, v.version, coalesce(d.owner_id, p.owner_id) as owner, null as slug from shop.document_versions v
      left join shop.documents d on d.id = v.document_id left join shop.documents p on p.id = d.parent_id`,
  orders: 'select id, user_id as owner, tenant_slug as slug from shop.orders',
  order_lines: `
    select l.order_id, l.line, o.user_id as owner, null as slug from shop.order_lines l left join shop.orders o on o.id = l.order_id`,
  api_keys: `
    select k.id, coalesce(a.user_id, 1) as owner, null as slug from shop.api_keys k left join shop.agents a on a.id = k.agent_id`,
  // the mapping file, as a rule
  notes: `
    select import_number, coalesce(author_id, case when n % ${OF} = 198 then truth.gone(n) when n % ${OF} < ${FIRST_BAD} and n % 5 = 0 then truth.user_at(n) end) as owner,
           null as slug
      from shop.notes, lateral (select case when import_number like 'imp-%' then substr(import_number, 5)::bigint end as n) x`,
  events: `
    select e.id, e.at, coalesce(e.user_id, h.user_id, a.user_id) as owner, null as slug from shop.events e
      left join shop.messages m on m.id = e.message_id left join shop.rooms r on r.id = m.room_id left join shop.agents h on h.id = r.agent_id
      left join shop.api_keys k on k.id = e.key_id left join shop.agents a on a.id = k.agent_id`,
};

/** With whom the people are. */
const PEOPLE = `
  create temporary table people as
  select u.id, coalesce(u.tenant_slug, t.tenant_slug) as slug from shop.users u left join shop.teams t on t.id = u.team_id;
  alter table people add primary key (id)`;

/** Key columns and the key of the user whose a row must be. */
const placed = (table: KeptName, lost: number) => `
  select s.*, case when p.id is null or s.slug <> p.slug then ${lost} else s.owner end as owner_key
    from (${SAID[table]}) s left join people p on p.id = s.owner`;

const same = (table: KeptName, left: string, right: string) =>
  made(table)
    .key.map((column) => `${left}.${column} = ${right}.${column}`)
    .join(' and ');

/** Rows of which the queries here say otherwise than was said when they were made. */
export async function contradictions(
  client: pg.ClientBase,
  tenants: number,
): Promise<Record<string, number>> {
  await client.query(PEOPLE);
  const found: Record<string, number> = {};
  for (const table of KEPT) {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from (${placed(table, tenants * USERS_EACH + 1)}) p
         full join truth.${table} t on ${same(table, 'p', 't')} where p.owner_key is distinct from t.owner_key`,
    );
    found[table] = rows[0]?.n ?? -1;
  }
  await client.query('drop table people');
  return found;
}

/** Rows that adoption has given to somebody else, into another tenant or another world; a few of each table by their keys. */
export async function misplaced(
  client: pg.ClientBase,
  tenants: number,
  tables: readonly KeptName[] = KEPT,
): Promise<string[]> {
  await client.query(PEOPLE);
  await client.query(`
    alter table people add owner uuid, add tenant uuid;
    update people set owner = bailiwick_adoption.id('user', id::text), tenant = bailiwick_adoption.id('tenant', slug)`);
  const found: string[] = [];
  for (const table of tables) {
    const world =
      table === 'messages'
        ? `or r.bailiwick_world is distinct from (select i.entity_id from bailiwick_data.identities i
             where i.issuer = 'urn:bailiwick:adopted' and i.subject = 'world:' || r.room_id)`
        : '';
    const { rows } = await client.query<{ wrong: string; n: number }>(
      `select format('%s is %s''s, and not %s''s', (${made(table)
        .key.map((column) => `r.${column}`)
        .join(" || ' ' || ")}),
                     coalesce((select n.id::text from people n where n.owner = r.bailiwick_owner), r.bailiwick_owner::text, 'nobody'), p.owner_key) as wrong,
              count(*) over ()::int as n
         from shop.${table} r join (${placed(table, tenants * USERS_EACH + 1)}) p on ${same(table, 'p', 'r')}
         left join people w on w.id = p.owner_key
        where r.bailiwick_owner is distinct from w.owner or r.bailiwick_tenant is distinct from w.tenant ${world} limit 3`,
    );
    if (rows.length > 0) {
      found.push(`${table}: ${rows[0]?.n} rows, such as ${rows.map(({ wrong }) => wrong).join('; ')}`);
    }
  }
  await client.query('drop table people');
  return found;
}
