// What can be asked of an encrypted value: nothing but equality, and that only where a blind index is declared, to which the question
// is put instead. The database sees envelopes, so every other comparison would quietly find nothing; it is refused.
//
// The index is an HMAC under a key of the tenant: whoever reads the table learns which values are the same, and nothing else of them.

import type { EncryptedField } from '../../crypto/declared.ts';
import { type ModelName, shapeOf } from '../models.ts';
import { encryptedFields, type Sealed } from './fields.ts';
import { constraintOf } from './phase.ts';

type Args = Record<string, unknown>;
type Filter = Record<string, unknown>;

/**
 * The arguments of an operation as the database can answer them.
 *
 * @throws {TypeError} where a filter, an order, a grouping or an aggregate asks something else of an encrypted field than equality, or
 *   asks it where there is no index, or below the rows that are read.
 */
export async function askable(session: Sealed, model: ModelName, args: Args): Promise<Args> {
  refuse(model, args, true);
  if (args.where === undefined || args.where === null) {
    return args;
  }
  const where = await byIndex(session, model, args.where as Filter);
  return where === args.where ? args : { ...args, where };
}

/** @param top Whether these are the arguments of the operation itself, in which equality can be put to an index. */
function refuse(model: ModelName, args: Args, top: boolean): void {
  refuseFilter(model, args.where, top);
  refuseFilter(model, args.having, false);
  const { lists, singles } = shapeOf(model);
  for (const [name, inner] of Object.entries((args.select ?? args.include ?? {}) as Args)) {
    const related = lists.get(name) ?? singles.get(name);
    if (related !== undefined && typeof inner === 'object' && inner !== null) {
      refuse(related, inner as Args, false);
    }
  }
  if (encryptedFields(model).length === 0) {
    return;
  }
  for (const clause of ['orderBy', 'by', 'distinct', '_min', '_max', '_count', 'cursor'] as const) {
    for (const part of [args[clause]].flat()) {
      const names = typeof part === 'string' ? [part] : part ? Object.keys(part as object) : [];
      const field = encryptedFields(model).find((one) => names.includes(one.field));
      if (field !== undefined) {
        throw new TypeError(`${clause} by ${model}.${field.field}, which is encrypted`);
      }
    }
  }
}

function refuseFilter(model: ModelName, where: unknown, indexed: boolean): void {
  for (const [name, condition] of conditionsOf(where)) {
    if (isConnective(name)) {
      for (const part of [condition].flat()) {
        refuseFilter(model, part, indexed);
      }
      continue;
    }
    const field = encryptedFields(model).find((one) => one.field === name);
    if (field !== undefined && !(indexed && field.index !== undefined && equalTo(condition) !== undefined)) {
      throw new TypeError(`filter on ${model}.${name}, which is encrypted`);
    }
    const related = relatedBy(model, name);
    if (related !== undefined) {
      for (const [word, inner] of conditionsOf(condition)) {
        refuseFilter(related, isQuantifier(word) ? inner : { [word]: inner }, indexed);
      }
    }
  }
}

/** A filter with equality put to indexes; the same object where there is none. */
async function byIndex(session: Sealed, model: ModelName, where: Filter): Promise<Filter> {
  let changed: Filter | undefined;
  for (const [name, condition] of conditionsOf(where)) {
    const field = encryptedFields(model).find((one) => one.field === name);
    const values = field && equalTo(condition);
    if (field !== undefined && values !== undefined) {
      const { [name]: _, ...others } = changed ?? where;
      const found = await atIndex(session, field, values);
      changed = { ...others, AND: [...(others.AND === undefined ? [] : [others.AND].flat()), found] };
    } else if (isConnective(name)) {
      const parts = [(changed ?? where)[name]].flat() as Filter[];
      const asked = await Promise.all(parts.map((part) => byIndex(session, model, part)));
      if (asked.some((part, at) => part !== parts[at])) {
        changed = { ...(changed ?? where), [name]: asked };
      }
    } else {
      const related = relatedBy(model, name);
      const asked = related && (await ofRelation(session, related, condition as Filter));
      if (asked !== undefined && asked !== condition) {
        changed = { ...(changed ?? where), [name]: asked };
      }
    }
  }
  return changed ?? where;
}

/** The same for a condition on a relation, which may say how many of its rows must meet it. */
async function ofRelation(session: Sealed, model: ModelName, condition: Filter): Promise<Filter> {
  const words = conditionsOf(condition).filter(([word]) => isQuantifier(word));
  if (words.length === 0) {
    return byIndex(session, model, condition);
  }
  const asked = await Promise.all(
    words.map(async ([word, inner]) => [word, await byIndex(session, model, inner as Filter)] as const),
  );
  return asked.some(([word, inner]) => inner !== condition[word])
    ? { ...condition, ...Object.fromEntries(asked) }
    : condition;
}

/** Rows that hold one of these values; none where the tenant has no index. */
async function atIndex(
  { keys, unsealed }: Sealed,
  field: EncryptedField,
  values: readonly string[],
): Promise<Filter> {
  const { table, column, index } = field;
  const all = await Promise.all(values.map((value) => keys.blindIndex([table, column], value, false)));
  const indexed = { [index?.field ?? '']: { in: all.filter((one) => one !== undefined) } };
  // what is still in clear has no index yet
  return unsealed.has(constraintOf(field))
    ? { OR: [indexed, { [field.field]: { in: [...values] } }] }
    : indexed;
}

/** The values of which one must be equal; undefined for every other question. */
function equalTo(condition: unknown): readonly string[] | undefined {
  if (typeof condition === 'string') {
    return [condition];
  }
  if (typeof condition !== 'object' || condition === null) {
    return undefined;
  }
  const { equals, in: among, ...others } = condition as Filter;
  if (Object.keys(others).length > 0 || (equals === undefined) === (among === undefined)) {
    return undefined;
  }
  const values = [equals ?? among].flat();
  return values.every((value) => typeof value === 'string') ? values : undefined;
}

/** What a filter asks. Whether there is anything at all is no secret of its own: null asks nothing of a value. */
function conditionsOf(where: unknown): [name: string, condition: unknown][] {
  return typeof where === 'object' && where !== null
    ? Object.entries(where).filter(([, condition]) => condition !== null && condition !== undefined)
    : [];
}

const isConnective = (name: string): boolean => name === 'AND' || name === 'OR' || name === 'NOT';
const isQuantifier = (word: string): boolean => ['some', 'every', 'none', 'is', 'isNot'].includes(word);

function relatedBy(model: ModelName, name: string): ModelName | undefined {
  const { lists, singles } = shapeOf(model);
  return lists.get(name) ?? singles.get(name);
}
