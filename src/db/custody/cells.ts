// Encrypted columns as their operator walks them: in batches by key, as the migrator, a few rows at a time so that nobody waits.
//
// A value is replaced only where it still is what was read, so a change that comes in between is left to the next pass. Names of
// tables and columns come from schema.prisma. Nothing is opened or sealed here.

import type pg from 'pg';
import type { EncryptedField } from '../../crypto/declared.ts';
import type { Place } from '../../crypto/envelope.ts';

type Client = Pick<pg.Client, 'query'>;

/** One value as it is stored. */
export type Cell = {
  readonly tenantId: string;
  readonly rowId: string;
  readonly ownerId: string;
  readonly holderId: string;
  /** The envelope, or the value in clear: as text, and JSON of a JSON field. */
  readonly stored: string;
};

/** Which values of a column. */
export type Which =
  /** All that must be sealed. */
  | 'all'
  /** Those under a key that seals nothing new. */
  | 'retired'
  /** Those that must be sealed and are not. */
  | 'plain'
  /** Those that are sealed. */
  | 'sealed';

/** The stored value as text; a sealed JSON value is a string that holds an envelope. */
function textOf({ column, json }: EncryptedField): string {
  return json
    ? `case when jsonb_typeof(r."${column}") = 'string' and starts_with(r."${column}" #>> '{}', 'bwe1.')
            then r."${column}" #>> '{}' else r."${column}"::text end`
    : `r."${column}"`;
}

function condition(field: EncryptedField, which: Which): string {
  const text = textOf(field);
  const parts = [`r."${field.column}" is not null`];
  if (field.when !== undefined) {
    parts.push(`r."${field.when.column}"`);
  }
  if (which === 'plain') {
    parts.push(`not starts_with(${text}, 'bwe1.')`);
  } else if (which !== 'all') {
    parts.push(`starts_with(${text}, 'bwe1.')`);
  }
  if (which === 'retired') {
    parts.push(`exists (
      select from public.data_keys k
       where k.tenant_id = r.tenant_id and k.holder_id = r."${field.holder.column}" and k.retired_at is not null
         and replace(k.id::text, '-', '') = substr(${text}, 6, 32))`);
  }
  return parts.join(' and ');
}

/** What the constraint of an encrypted column says (sealing/phase.ts): nothing but envelopes in the rows that are encrypted. */
export function onlyEnvelopes({ column, json, when }: EncryptedField): string {
  const sealed = `starts_with("${column}"${json ? " #>> '{}'" : ''}, 'bwe1.')`;
  return when === undefined ? sealed : `not "${when.column}" or ${sealed}`;
}

/** How many values there are, of one tenant or of all. */
export async function countCells(
  client: Client,
  field: EncryptedField,
  which: Which,
  tenantId: string | null = null,
): Promise<number> {
  const { rows } = await client.query<{ n: string }>(
    `select count(*) as n from public."${field.table}" r
      where ($1::uuid is null or r.tenant_id = $1) and ${condition(field, which)}`,
    [tenantId],
  );
  return Number(rows[0]?.n);
}

const FIRST = '00000000-0000-0000-0000-000000000000';

/** The values in batches, ordered by tenant and row; what is written between two batches does not disturb them. */
export async function* cellsOf(
  client: Client,
  field: EncryptedField,
  which: Which,
  { tenantId = null, batch }: { readonly tenantId?: string | null; readonly batch: number },
): AsyncGenerator<readonly Cell[]> {
  let after: readonly [string, string] = [FIRST, FIRST];
  for (;;) {
    const { rows } = await client.query<Cell>(
      `select r.tenant_id as "tenantId", r.id as "rowId", r.owner_id as "ownerId", r."${field.holder.column}" as "holderId",
              ${textOf(field)} as stored
         from public."${field.table}" r
        where ($1::uuid is null or r.tenant_id = $1) and (r.tenant_id, r.id) > ($2::uuid, $3::uuid) and ${condition(field, which)}
        order by r.tenant_id, r.id limit $4`,
      [tenantId, ...after, batch],
    );
    const last = rows.at(-1);
    if (last === undefined) {
      return;
    }
    yield rows;
    after = [last.tenantId, last.rowId];
  }
}

/** Where a value stands, as its envelope is bound to it. */
export function placeOf({ table, column }: EncryptedField, { tenantId, ownerId, rowId }: Cell): Place {
  return { tenantId, ownerId, rowId, table, column };
}

/** What takes the place of a value, and its blind index where that changes. */
export type Replacement = { readonly value: string; readonly index?: string | undefined };

/**
 * Replaces values that are still what they were.
 *
 * @param sealed Whether the new ones are envelopes.
 * @returns how many were; the others were changed meanwhile.
 */
export async function replaceCells(
  client: Client,
  field: EncryptedField,
  cells: readonly Cell[],
  replacements: readonly Replacement[],
  { sealed }: { readonly sealed: boolean },
): Promise<number> {
  const value = field.json ? (sealed ? 'to_jsonb(v.value)' : 'v.value::jsonb') : 'v.value';
  const index =
    field.index === undefined
      ? ''
      : `, "${field.index.column}" = coalesce(v.index, r."${field.index.column}")`;
  const { rowCount } = await client.query(
    `update public."${field.table}" r set "${field.column}" = ${value}${index}
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as v (tenant_id, id, stored, value, index)
      where r.tenant_id = v.tenant_id and r.id = v.id and ${textOf(field)} = v.stored`,
    [
      cells.map(({ tenantId }) => tenantId),
      cells.map(({ rowId }) => rowId),
      cells.map(({ stored }) => stored),
      replacements.map(({ value }) => value),
      replacements.map((replacement) => replacement.index ?? null),
    ],
  );
  return rowCount ?? 0;
}
