// Roles belong to the whole server. While somebody in it may act as our kernel, which an adopter of tables must, a lint of any of its databases
// says so; tests of either kind wait for each other, in whatever process they run.

import pg from 'pg';

const OPERATORS = 0x6f706572;

/**
 * Holds the server's roles: `with` an operator, together with others who do, or `without` any, alone.
 *
 * @returns lets go of them.
 */
export async function holdOperators(url: string, how: 'with' | 'without'): Promise<() => Promise<void>> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`select pg_advisory_lock${how === 'with' ? '_shared' : ''}($1)`, [OPERATORS]);
  return () => client.end();
}
