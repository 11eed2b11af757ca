// How the answer of a statement reads: as names of rows, as a word, as what was made or ended. And how a statement tells of what it left
// behind, by a query that an owner of the tables asks. Nothing is judged here.

import { nameOf } from './world.ts';

export type Answer = { readonly value: string | null; readonly refused: string | null };

export type Attempt = {
  readonly name: string;
  readonly text: string;
  readonly given: unknown;
  /** Set where the statement returns nothing. */
  readonly look: string | null;
  /** Makes the answer readable: a value or null, or an SQLSTATE. */
  readonly read: (answer: Answer) => string;
};

/** What every attempt has that says nothing else. */
export type Common = Pick<Attempt, 'name' | 'given' | 'look'>;

/** What an owner of the tables finds, within a statement and after what came before it. */
export function look(query: string): string {
  return `assurance.look($look$${query}$look$)`;
}

export function rows({ value, refused }: Answer): string {
  return refused ?? names(value ?? '');
}

export function ended({ value, refused }: Answer): string {
  return refused ?? (value === null ? 'nothing' : `ended ${names(value)}`.trim());
}

/** A reason why not, or what was made, word by word. */
export function told({ value, refused }: Answer): string {
  return (
    refused ??
    (value ?? '')
      .split(' ')
      .map((word) => word.split('/').map(nameOf).join('/'))
      .join(' ')
  );
}

export function kept({ value, refused }: Answer): string {
  return refused ?? (value === 'true' ? 'kept' : 'not kept');
}

export function done({ value, refused }: Answer): string {
  return refused ?? (value === null ? 'nothing' : 'done');
}

/** `<tenant>/<id>` or `<id>`, several, as names in order. */
function names(text: string): string {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.split('/').map(nameOf).join('/'))
    .sort()
    .join(' ');
}
