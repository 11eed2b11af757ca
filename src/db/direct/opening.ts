// Opens what is encrypted in rows of text. Their session may have ended, so only keys that this process remembers are used: where one is not, and
// where a value does not open, the rows are not to be had this way, and whoever asks Prisma is told more.

import type { EncryptedField } from '../../crypto/declared.ts';
import type { TextRow } from '../exchange.ts';
import type { ModelName } from '../models.ts';
import { runningSession } from '../pool.ts';
import { encryptedFields, neededFields } from '../sealing/fields.ts';
import { NotDirect, tableOf } from './filter.ts';
import type { Level, Places, Wanted } from './statement.ts';

/** The fields of a row that are encrypted and wanted. */
const encryptedOf = ({ model, fields }: Wanted): readonly EncryptedField[] =>
  encryptedFields(model).filter(({ field }) => fields.has(field));

/** What must be read of a row beside what is wanted, so that it can be opened. */
export function besides(wanted: Wanted): string[] {
  return encryptedOf(wanted).flatMap(neededFields);
}

/**
 * Opens in place what is encrypted in the rows of a page, and of the page below it. What they refer to has nothing of the kind (statement.ts).
 *
 * @throws {NotDirect}
 */
export function openRows({ wanted, below }: Level, rows: readonly TextRow[], places: Places): void {
  const encrypted = encryptedOf(wanted);
  if (encrypted.length > 0) {
    openOf(wanted.model, encrypted, rows, places);
  }
  if (below !== undefined && places.below !== undefined) {
    openRows(below, rows, places.below);
  }
}

type Raw = Record<string, unknown>;

function openOf(
  model: ModelName,
  encrypted: readonly EncryptedField[],
  rows: readonly TextRow[],
  places: Places,
): void {
  const sealed: { readonly row: (string | null)[]; readonly raw: Raw }[] = [];
  for (const row of rows) {
    const raw = row[places.id] == null ? undefined : rawOf(model, encrypted, row, places);
    if (raw !== undefined) {
      sealed.push({ row: row as (string | null)[], raw });
    }
  }
  if (sealed.length === 0) {
    return;
  }
  const raws = sealed.map(({ raw }) => raw);
  if (!runningSession().db.$openedAtOnce(model, raws)) {
    throw new NotDirect('a key has to be asked for');
  }
  for (const { row, raw } of sealed) {
    for (const { field, column, json } of encrypted) {
      if (column in raw) {
        row[placeOf(places, field)] = textOf(raw, column, json);
      }
    }
  }
}

/** A row as it came from PostgreSQL, with those of its values that are sealed; undefined where none is. */
function rawOf(
  model: ModelName,
  encrypted: readonly EncryptedField[],
  row: TextRow,
  places: Places,
): Raw | undefined {
  const raw: Raw = {};
  for (const { field, column, json, when, holder } of encrypted) {
    const stored = row[placeOf(places, field)];
    if (typeof stored !== 'string' || (when !== undefined && row[placeOf(places, when.field)] !== 't')) {
      continue;
    }
    raw.id = row[places.id];
    raw.owner_id = row[placeOf(places, 'ownerId')];
    raw[holder.column] = row[placeOf(places, holder.field)];
    if (when !== undefined) {
      raw[when.column] = true;
    }
    raw[column] = json && tableOf(model).columns[field]?.type === 'JsonB' ? JSON.parse(stored) : stored;
  }
  return raw.id === undefined ? undefined : raw;
}

function placeOf({ fields, id }: Places, field: string): number {
  const at = field === 'id' ? id : fields.get(field);
  if (at === undefined) {
    throw new TypeError(`${field} was not read, without which nothing opens`);
  }
  return at;
}

/** An open value as PostgreSQL would write it. @throws {NotDirect} where it does not open. */
function textOf(raw: Raw, column: string, json: boolean): string | null {
  let value: unknown;
  try {
    value = raw[column];
  } catch (cause) {
    throw new NotDirect('a value does not open', { cause });
  }
  return value === null ? null : json ? JSON.stringify(value) : (value as string);
}
