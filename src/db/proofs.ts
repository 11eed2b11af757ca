// What may be used once, remembered in the database for all processes: proofs of possession of a token (RFC 9449). One
// transaction of its own, because a query that comes with such a proof could not write.

import { type Database, withService } from './session.ts';

/** Remembers marks in the database; fits `ProofMemory` of src/auth/dpop.ts. */
export function proofMemory(database: Database): { first(mark: string, until: Date): Promise<boolean> } {
  return {
    async first(mark, until) {
      const [row] = await withService(
        database,
        'identity',
        { readOnly: false },
        (db) => db.$queryRaw<{ first: boolean }[]>`
          select bailiwick.first_use(${mark}, ${until}::timestamptz) as first`,
      );
      return row?.first === true;
    },
  };
}
