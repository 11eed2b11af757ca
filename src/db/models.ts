// The shape of the models, as far as queries through Prisma are looked through: relations and columns.

import { getDatamodel } from '../../generated/pothos.ts';
import type { Prisma } from '../../generated/prisma/client.ts';

export type ModelName = Prisma.ModelName;

/** What Prisma's client calls a model. */
export function delegateOf(model: string): string {
  return `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
}

export type ModelShape = {
  /** To-many relations and the model they lead to: where a nested read needs a predicate of its own. */
  readonly lists: ReadonlyMap<string, ModelName>;
  /** To-one relations, where Prisma takes no predicate: the foreign key carries the tenant, and mostly the owner. */
  readonly singles: ReadonlyMap<string, ModelName>;
  readonly columns: ReadonlySet<string>;
  /** Relations whose other side refers to this one: the model there, and its columns that do, in the order of what they refer to. */
  readonly children: ReadonlyMap<string, Child>;
};

export type Child = { readonly model: ModelName; readonly foreignKey: readonly string[] };

/** What every reference to a model refers to, as far as a foreign key goes: the tenant, the row, its owner. */
export const REFERENCE = ['tenantId', 'id', 'ownerId'] as const;

type Models = ReturnType<typeof getDatamodel>['datamodel']['models'];

function childrenOf(models: Models, name: string): Map<string, Child> {
  const children = new Map<string, Child>();
  for (const field of models[name]?.fields ?? []) {
    const back = models[field.type]?.fields.find(
      (f) => f.kind === 'object' && f.relationName === field.relationName && f.relationFromFields?.length,
    );
    if (field.kind === 'object' && !field.relationFromFields?.length && back?.relationFromFields) {
      children.set(field.name, { model: field.type as ModelName, foreignKey: back.relationFromFields });
    }
  }
  return children;
}

const MODELS = getDatamodel().datamodel.models;

const SHAPES = new Map<string, ModelShape>(
  Object.entries(MODELS).map(([name, { fields }]) => {
    const relations = (isList: boolean) =>
      new Map(
        fields
          .filter((f) => f.kind === 'object' && f.isList === isList)
          .map((f) => [f.name, f.type as ModelName]),
      );
    const columns = new Set(fields.filter((f) => f.kind !== 'object').map((f) => f.name));
    const children = childrenOf(MODELS, name);
    return [name, { lists: relations(true), singles: relations(false), columns, children }];
  }),
);

export function shapeOf(model: string): ModelShape {
  const shape = SHAPES.get(model);
  if (shape === undefined) {
    throw new TypeError(`unknown model ${model}`);
  }
  return shape;
}
