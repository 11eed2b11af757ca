// What a field says of itself, so that it can be answered without being resolved: from which column it comes, or which page it is.
//
// It stands in the field's extensions, beside the resolver that does the same. A field that says nothing is resolved, and so is the whole
// operation that asks for it.

import type { GraphQLField } from 'graphql';
import type { Context } from '../../context.ts';
import type { ModelName } from '../../db/models.ts';
import type { NodeName } from '../global-id.ts';
import type { PageOf } from '../keyset.ts';

export type Declared =
  /** The global id that a column holds the id of; null: of the row's own type. */
  | { readonly kind: 'id'; readonly type: NodeName | null; readonly column: string }
  /** A column of what the row refers to. */
  | { readonly kind: 'through'; readonly relation: string; readonly column: string }
  /** A connection: a page of rows of a model, below a row by a relation, or by itself. */
  | {
      readonly kind: 'page';
      readonly model: ModelName;
      readonly page: (context: Context, args: never) => PageOf;
      readonly relation?: string | undefined;
    }
  /** The row whose global id is the argument `id`. */
  | { readonly kind: 'row' };

const KEY = 'bailiwickDirect';

/** The extensions of a field that says this of itself. */
export function declares(declared: Declared): Record<string, unknown> {
  return { [KEY]: declared };
}

export function declaredOf({ extensions }: GraphQLField<unknown, unknown>): Declared | undefined {
  return extensions[KEY] as Declared | undefined;
}
