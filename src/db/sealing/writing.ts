// Sealing what is written. A new row is sealed in one go; a change is bound to the row it is made to, so a change of many rows
// becomes one change for each, under a lock, in the same transaction. Nothing is written in clear because something was not known.

import { Prisma } from '../../../generated/prisma/client.ts';
import type { EncryptedField } from '../../crypto/declared.ts';
import { looksSealed, seal } from '../../crypto/envelope.ts';
import { KeyUnavailableError } from '../../crypto/hierarchy.ts';
import { isGone, keysNeeded, openWith } from '../../crypto/keys.ts';
import { BailiwickError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import { type Child, delegateOf, type ModelName, REFERENCE, shapeOf } from '../models.ts';
import { narrowed } from '../scope.ts';
import { DAMAGED, encryptedFields, holds, placeOf, type Row, type Sealed } from './fields.ts';
import { constraintOf } from './phase.ts';

type Args = Record<string, unknown>;
type Run = (args: Args) => Promise<unknown>;

/** Words of Prisma for nothing. */
const NOTHING: ReadonlySet<unknown> = new Set([
  null,
  undefined,
  Prisma.DbNull,
  Prisma.JsonNull,
  Prisma.AnyNull,
]);

/**
 * A new row with its encrypted fields sealed, and those of new rows below it.
 *
 * @param inherited What the row takes from the one above it.
 */
export async function sealRow(
  session: Sealed,
  model: ModelName,
  data: Args,
  inherited: Args = {},
): Promise<Args> {
  const { children } = shapeOf(model);
  const fields = encryptedFields(model).filter(({ when }) => when === undefined || data[when.field] === true);
  const below = Object.keys(data).filter((field) => children.has(field) && data[field] !== undefined);
  if (fields.length === 0 && below.length === 0) {
    return data;
  }
  // the id is part of what a value is bound to
  const own: Row = inherited.id === undefined ? { ...data, id: data.id ?? newId() } : { ...data };
  const row: Row = { ...own, ...inherited };
  for (const field of fields) {
    if (own[field.field] === undefined && field.default !== undefined) {
      own[field.field] = field.json ? JSON.parse(field.default) : field.default;
    }
  }
  for (const field of below) {
    own[field] = await sealBelow(session, children.get(field) as Child, row, data[field] as Args);
  }
  return { ...own, ...(await sealed(session, row, own, fields)) };
}

/** New rows below a row, which take from it what refers to it. */
async function sealBelow(
  session: Sealed,
  { model, foreignKey }: Child,
  parent: Row,
  written: Args,
): Promise<Args> {
  const inherited = Object.fromEntries(foreignKey.map((column, at) => [column, parent[REFERENCE[at] ?? '']]));
  const seal = (row: unknown) => sealRow(session, model, row as Args, inherited);
  const { create, createMany } = written as { create?: unknown; createMany?: { data: unknown } };
  return {
    ...written,
    ...(create === undefined
      ? {}
      : { create: Array.isArray(create) ? await Promise.all(create.map(seal)) : await seal(create) }),
    ...(createMany === undefined
      ? {}
      : { createMany: { ...createMany, data: await Promise.all([createMany.data].flat().map(seal)) } }),
  };
}

/** The sealed values of a row. Everything that the place of a value consists of is in `row`. */
async function sealed(
  session: Sealed,
  row: Row,
  values: Row,
  fields: readonly EncryptedField[],
): Promise<Args> {
  const result: Args = {};
  for (const field of fields) {
    const value = values[field.field];
    if (NOTHING.has(value)) {
      if (value !== undefined && field.index !== undefined) {
        result[field.index.field] = null;
      }
      continue;
    }
    const holder = row[field.holder.field] as string;
    if (!holds(session.context, holder, row.ownerId)) {
      throw new BailiwickError('FORBIDDEN');
    }
    const key = await session.keys.sealingKey(holder);
    const plain = field.json ? JSON.stringify(value) : (value as string);
    const place = placeOf(session.context, field, row);
    result[field.field] = seal(plain, place, key);
    if (field.index !== undefined) {
      result[field.index.field] = await session.keys.blindIndex([field.table, field.column], plain, true);
    }
  }
  return result;
}

/** What a change sets a field to. Prisma has a long form, except for JSON, where the same words would be the value. */
function setTo(change: unknown, json = false): unknown {
  return !json &&
    typeof change === 'object' &&
    change !== null &&
    Object.keys(change).length === 1 &&
    'set' in change
    ? (change as { set: unknown }).set
    : change;
}

/**
 * Changes rows with what is encrypted sealed for each.
 *
 * @param run The operation itself, with the arguments it is given.
 */
export async function changeSealed(
  session: Sealed,
  model: ModelName,
  operation: string,
  args: Args,
  run: Run,
): Promise<unknown> {
  const data = args.data as Args;
  // while a column is being encrypted, a row that is changed anyhow is sealed with it: the database takes no other
  const touched = encryptedFields(model).filter(
    (field) =>
      data[field.field] !== undefined ||
      (field.when !== undefined && data[field.when.field] !== undefined) ||
      session.unsealed.has(constraintOf(field)),
  );
  if (
    touched.length === 0 ||
    touched.every(
      (field) =>
        field.when === undefined && data[field.field] !== undefined && NOTHING.has(setTo(data[field.field])),
    )
  ) {
    return run(args);
  }
  const where = args.where as Args;
  const rows =
    known(session, touched, where) ?? (await locked(session, touched, await matching(session, model, where)));
  if (operation === 'update' && rows.length === 0) {
    // says so as Prisma does, and cannot write anything in clear
    return run({ ...args, where: narrowed(where, { id: NOBODY }) });
  }
  const results: unknown[] = [];
  for (const row of rows) {
    results.push(
      await run({
        ...args,
        where: narrowed(where, { id: row.id, ownerId: row.ownerId }),
        data: { ...data, ...(await rewritten(session, row, data, touched)) },
      }),
    );
  }
  switch (operation) {
    case 'update':
      return results[0];
    case 'updateMany':
      return { count: (results as { count: number }[]).reduce((sum, { count }) => sum + count, 0) };
    default:
      return results.flat();
  }
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** The row that a change is made to, where the filter names it and it is sealed for the context's owner whatever it holds. */
function known(
  { context, unsealed }: Sealed,
  touched: readonly EncryptedField[],
  where: Args,
): Row[] | undefined {
  const simple = touched.every(
    (field) =>
      field.when === undefined &&
      (field.holder.field === 'id' || field.holder.field === 'ownerId') &&
      !unsealed.has(constraintOf(field)),
  );
  return simple && typeof where.id === 'string' ? [{ id: where.id, ownerId: context.ownerId }] : undefined;
}

type Reader = { findMany(args: Args): Promise<{ id: string }[]> };

async function matching({ db }: Sealed, model: ModelName, where: Args): Promise<string[]> {
  if (typeof where.id === 'string') {
    return [where.id];
  }
  const reader = (db as unknown as Record<string, Reader>)[delegateOf(model)] as Reader;
  return (await reader.findMany({ where, select: { id: true } })).map(({ id }) => id);
}

/** The rows as they are and will stay until the change is made: who holds them, whether they are sealed, and what they hold. */
async function locked(
  { db, context }: Sealed,
  fields: readonly EncryptedField[],
  ids: readonly string[],
): Promise<Row[]> {
  const [{ table }] = fields as readonly [EncryptedField];
  const columns = new Map(
    fields.flatMap(
      ({ field, column, holder, when }) =>
        [
          [field, column],
          [holder.field, holder.column],
          ...(when === undefined ? [] : [[when.field, when.column] as const]),
        ] as const,
    ),
  );
  // names of the schema, never of a caller
  const list = [...columns].map(([field, column]) => `r."${column}" as "${field}"`).join(', ');
  return await db.$queryRaw<Row[]>`
    select r.id::text as "id", r.owner_id::text as "ownerId", ${Prisma.raw(list)}
      from public.${Prisma.raw(`"${table}"`)} r
     where r.tenant_id = ${context.tenantId}::uuid and r.id = any (${[...ids]}::uuid[])
     order by r.id
       for update`;
}

/** What a change writes into the encrypted fields of one row. */
async function rewritten(
  session: Sealed,
  row: Row,
  data: Args,
  fields: readonly EncryptedField[],
): Promise<Args> {
  const plain: Args = {};
  const toSeal: EncryptedField[] = [];
  for (const field of fields) {
    const given = setTo(data[field.field], field.json);
    const before = field.when === undefined || row[field.when.field] === true;
    const flag = field.when && setTo(data[field.when.field]);
    const after = flag === undefined ? before : flag === true;
    const inClear = after && !isEnvelope(row[field.field]);
    if (given === undefined && before === after && !inClear) {
      continue;
    }
    plain[field.field] = given === undefined ? await current(session, row, field, before) : given;
    if (after) {
      toSeal.push(field);
    }
  }
  return { ...plain, ...(await sealed(session, row, plain, toSeal)) };
}

/** Whether a stored value needs no sealing: it is an envelope, or nothing. */
function isEnvelope(stored: unknown): boolean {
  return stored === null || stored === undefined || (typeof stored === 'string' && looksSealed(stored));
}

/** What a row holds now, in clear. */
async function current(
  session: Sealed,
  row: Row,
  field: EncryptedField,
  isSealed: boolean,
): Promise<unknown> {
  const stored = row[field.field];
  if (!isSealed || stored === null || typeof stored !== 'string' || !looksSealed(stored)) {
    return stored;
  }
  const holder = row[field.holder.field] as string;
  if (!holds(session.context, holder, row.ownerId)) {
    throw new BailiwickError('FORBIDDEN');
  }
  const keys = (await session.keys.keysOf(keysNeeded([{ holderId: holder, stored }]))).get(holder);
  if (isGone(stored, keys)) {
    throw new KeyUnavailableError('destroyed', 'the key of the value was destroyed');
  }
  try {
    const value = openWith(keys, stored, placeOf(session.context, field, row));
    return field.json ? JSON.parse(value) : value;
  } catch (cause) {
    throw new BailiwickError('INTERNAL', DAMAGED, { cause });
  }
}
