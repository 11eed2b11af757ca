// What an encrypted field is: the shape of what bin/encrypted-fields.js reads from schema.prisma. Types only.

/** A field of a model and the column that it is. */
export type FieldName = { readonly field: string; readonly column: string };

/** One field that is encrypted. */
export type EncryptedField = FieldName & {
  readonly model: string;
  readonly table: string;
  /** Whether it holds JSON, which is then sealed as text and kept as a JSON string. */
  readonly json: boolean;
  /** What a row that says nothing has, as text: JSON of a JSON field. */
  readonly default?: string;
  /** Whose key it is sealed with. */
  readonly holder: FieldName;
  /** The flag of the rows in which it is sealed; left out: in all. */
  readonly when?: FieldName;
  /** Where its blind index is kept. */
  readonly index?: FieldName;
};
