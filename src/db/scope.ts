// The second layer: every query through Prisma also says for itself which tenant and which owner it is about.
//
// Row security would do alone. This layer exists because either layer alone must still isolate: a policy that was
// dropped by mistake then hides nothing but the mistake. It also names the columns that lead every index, which is what
// lets PostgreSQL, or a router of shards, go straight to the rows. It knows nothing of delegation and grants nothing:
// it can only make a query narrower. On new rows it fills in tenant, owner and provenance from the context.

import { Prisma } from '../../generated/prisma/client.ts';
import { type Child, type ModelName, type ModelShape, shapeOf } from './models.ts';
import { runningSession } from './pool.ts';
import type { OpenContext } from './sealed-connection.ts';

type Predicate = Record<string, unknown>;
type Args = Record<string, unknown>;

// Which rows of a model can concern a context at all, besides being of its tenant. An agent acting as itself is its own
// owner, so it also looks at itself by id; an administrator's reach is the tenant, in the three models that say so.
const CONCERNS: Record<ModelName, (context: OpenContext, where: Predicate) => Predicate> = {
  Tenant: () => ({}),
  Credential: (context) => (context.administrator ? {} : own(context)),
  Identity: (context) => ({ entityId: context.ownerId }),
  AuditEntry: own,
  User: (context) => (context.administrator ? {} : own(context)),
  Entity: (context) =>
    context.administrator
      ? {}
      : {
          OR: [
            own(context),
            { id: context.ownerId },
            { world: { members: { some: { entityId: context.ownerId } } } },
          ],
        },
  Agent: ownOrSelf,
  AgentInstructions: ownOrSelf,
  World: (context) => ({ OR: [own(context), { members: { some: { entityId: context.ownerId } } }] }),
  WorldMember: (context) => ({
    OR: [own(context), { world: { members: { some: { entityId: context.ownerId } } } }],
  }),
  Delegation: (context) =>
    context.administrator
      ? {}
      : context.actorKind === 'agent'
        ? { OR: [own(context), { delegateId: context.actorId }, { delegatorId: context.actorId }] }
        : own(context),
  ServiceCredential: own,
  ServiceSecret: own,
  Permission: own,
  Approval: own,
  // under a chain the agent's own part of it, which has an index: the policy's "or" could not use one
  ActivityEntry: (context) =>
    context.chain.length === 0 ? own(context) : { ...own(context), agentId: context.actorId },
  Memory: (context, where) => ({
    ...(context.worldId === null ? {} : { worldId: context.worldId }),
    ...memories(context, where),
  }),
  Baseline: own,
  AccessReceipt: own,
};

/** One's own, and what others share; to an agent only where it is sent. Who asks for one of the two gets that one's index. */
function memories(context: OpenContext, { ownerId, shared }: Predicate): Predicate {
  const mine = own(context);
  if (ownerId === context.ownerId || (context.chain.length > 0 && context.worldId === null)) {
    return mine;
  }
  const theirs = { shared: true, world: { members: { some: { entityId: context.ownerId } } } };
  return shared === true ? theirs : { OR: [mine, theirs] };
}

function own(context: OpenContext): Predicate {
  return { ownerId: context.ownerId };
}

function ownOrSelf(context: OpenContext): Predicate {
  return context.actorKind === 'agent' && context.chain.length === 0
    ? { OR: [own(context), { id: context.actorId }] }
    : own(context);
}

/** What every query on a model must also satisfy; `where`: what it asks for itself, by which that may be said more simply. */
export function predicate(model: ModelName, context: OpenContext, where: unknown = {}): Predicate {
  return { tenantId: context.tenantId, ...CONCERNS[model](context, (where ?? {}) as Predicate) };
}

/** A filter that also asks for something else. */
export function narrowed(where: unknown, extra: Predicate): Predicate {
  return where === undefined
    ? extra
    : { ...(where as Predicate), AND: [...conjuncts(where as Predicate), extra] };
}

function conjuncts({ AND }: Predicate): unknown[] {
  return AND === undefined ? [] : Array.isArray(AND) ? AND : [AND];
}

/** Puts a predicate on every to-many relation that a selection reads, however deep. */
function narrowSelection(model: ModelName, selection: Args, context: OpenContext): Args {
  const { lists, singles } = shapeOf(model);
  return Object.fromEntries(
    Object.entries(selection).map(([field, value]): [string, unknown] => {
      const list = lists.get(field);
      const single = singles.get(field);
      if (value === false || value === undefined) {
        return [field, value];
      }
      if (list !== undefined) {
        const args = value === true ? {} : narrowNested(list, value as Args, context);
        return [field, { ...args, where: narrowed(args.where, predicate(list, context, args.where)) }];
      }
      if (single !== undefined && value !== true) {
        return [field, narrowNested(single, value as Args, context)];
      }
      if (field === '_count') {
        const counted = value === true ? allOf(lists) : (value as { select: Args }).select;
        return [field, { select: narrowSelection(model, counted, context) }];
      }
      return [field, value];
    }),
  );
}

function narrowNested(model: ModelName, args: Args, context: OpenContext): Args {
  const nested = { ...args };
  for (const key of ['select', 'include'] as const) {
    if (nested[key] !== undefined && nested[key] !== null) {
      nested[key] = narrowSelection(model, nested[key] as Args, context);
    }
  }
  return nested;
}

/** What `_count: true` means, said so that each relation can have its predicate. */
function allOf(lists: ModelShape['lists']): Args {
  return Object.fromEntries([...lists.keys()].map((list) => [list, true]));
}

/** What a row made in this context says of itself: tenant, owner and provenance, where the model has them. */
function origin(model: ModelName, context: OpenContext): Args {
  const { columns } = shapeOf(model);
  const said: Args = {
    tenantId: context.tenantId,
    ownerId: context.ownerId,
    createdBy: context.actorId,
    delegationId: context.chain.at(-1) ?? null,
    requestId: context.requestId,
  };
  return Object.fromEntries(Object.entries(said).filter(([column]) => columns.has(column)));
}

/**
 * A new row as this context may write it, with new rows below it.
 *
 * @param options.inherited Columns that Prisma takes from the row above.
 * @param options.alone Whether there can be none below it.
 */
export function completed(
  model: ModelName,
  data: Args,
  context: OpenContext,
  { inherited = [], alone = false }: { inherited?: readonly string[]; alone?: boolean } = {},
): Args {
  const children: ModelShape['children'] = alone ? new Map() : shapeOf(model).children;
  const said = Object.fromEntries(
    Object.entries(origin(model, context)).filter(([column]) => !inherited.includes(column)),
  );
  const below = Object.fromEntries(
    Object.entries(data).flatMap(([field, value]) => {
      const child = children.get(field);
      return child === undefined || value === undefined
        ? []
        : [[field, nestedRows(model, field, child, value, context)]];
    }),
  );
  refuseData(model, data, (column, value) => column in said && value !== said[column], below);
  return { ...data, ...below, ...said };
}

/** New rows below a new row. Anything else that Prisma can nest would reach rows that are there already, past their predicates. */
function nestedRows(
  model: ModelName,
  field: string,
  child: Child,
  value: unknown,
  context: OpenContext,
): Args {
  const row = (one: unknown, alone = false) =>
    completed(child.model, one as Args, context, { inherited: child.foreignKey, alone });
  return Object.fromEntries(
    Object.entries(value as Args).map(([word, rows]) => {
      switch (word) {
        case 'create':
          return [word, Array.isArray(rows) ? rows.map((one) => row(one)) : row(rows)];
        case 'createMany':
          return [
            word,
            { ...(rows as Args), data: [(rows as Args).data].flat().map((one) => row(one, true)) },
          ];
        default:
          throw new TypeError(`nested write to ${model}.${field}: only new rows can be nested, not ${word}`);
      }
    }),
  );
}

/** A change as this context may make it: no row moves to another tenant or owner, or changes where it came from. */
export function changed(model: ModelName, data: Args, context: OpenContext): Args {
  const said = origin(model, context);
  refuseData(model, data, (column) => column in said);
  return data;
}

function refuseData(
  model: ModelName,
  data: Args,
  refused: (column: string, value: unknown) => boolean,
  nested: Args = {},
): void {
  const { lists, singles } = shapeOf(model);
  for (const [field, value] of Object.entries(data)) {
    if ((lists.has(field) || singles.has(field)) && !(field in nested)) {
      throw new TypeError(`nested write to ${model}.${field}: write each model by itself`);
    }
    if (value !== undefined && refused(field, value)) {
      throw new TypeError(`${model}.${field} comes from the context`);
    }
  }
}

function narrowArgs(model: ModelName, operation: string, args: Args, context: OpenContext): Args {
  const scoped = narrowNested(model, args, context);
  switch (operation) {
    case 'create':
      return { ...scoped, data: completed(model, args.data as Args, context) };
    case 'createMany':
    case 'createManyAndReturn':
      return {
        ...scoped,
        data: [args.data].flat().map((row) => completed(model, row as Args, context, { alone: true })),
      };
    case 'update':
    case 'updateMany':
    case 'updateManyAndReturn':
      return {
        ...scoped,
        where: narrowed(args.where, predicate(model, context, args.where)),
        data: changed(model, args.data as Args, context),
      };
    case 'upsert':
      // what row security hides would turn into an insert or an error that tells of it
      throw new TypeError('upsert is not used: it answers differently for hidden rows');
    default:
      return { ...scoped, where: narrowed(args.where, predicate(model, context, args.where)) };
  }
}

/** The extension that puts this layer around a Prisma client. */
export const scope = Prisma.defineExtension({
  name: 'scope',
  query: {
    $allModels: {
      $allOperations({ model, operation, args, query }) {
        return query(narrowArgs(model, operation, args as Args, runningSession().context) as typeof args);
      },
    },
  },
});
