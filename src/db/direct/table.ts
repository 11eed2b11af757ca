// What generated/tables.ts says of each model: its table, its columns, and by which columns it is joined to others.

export type Table = {
  readonly table: string;
  /** By the names of the model's fields. */
  readonly columns: Readonly<Record<string, Column>>;
  readonly relations: Readonly<Record<string, Relation>>;
};

export type Column = {
  readonly column: string;
  /** The type that schema.prisma gives it with `@db`, such as Uuid; else Prisma's own, such as String. */
  readonly type: string;
  readonly list: boolean;
  /** Whether it holds the time of the last change, which whoever writes must say. */
  readonly now: boolean;
};

export type Relation = {
  readonly model: string;
  readonly list: boolean;
  /** Columns here, and those there that are equal to them. */
  readonly on: readonly (readonly [here: string, there: string])[];
};
