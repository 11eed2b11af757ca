// What the load works with: rows of the shop that it may change, each in the hands of one client at a time, and what is known of them.
//
// Legacy rows are taken from the first ninety of every two hundred, agents from the others, so that two requests never want the same row:
// whoever waits, or is ended for a deadlock, does so because of adoption.

import type pg from 'pg';
import type { Dice } from '../concurrency/dice.ts';
import { Ledger, type Row } from './digests.ts';
import { FIRST_BAD, made, OF, type TableName, USERS_EACH } from './shape.ts';

/** Rows of each table that are taken at first. */
const TAKEN = 300;

/** Somebody, with the tenant they are in. */
export type Person = { readonly id: number; readonly slug: string };

/** Takes things at random, so that nobody else has them meanwhile. */
export class Stock<Thing> {
  readonly #things: Thing[];

  constructor(things: readonly Thing[]) {
    this.#things = [...things];
  }

  get size(): number {
    return this.#things.length;
  }

  take(roll: Dice): Thing | undefined {
    if (this.#things.length === 0) {
      return undefined;
    }
    const at = roll(this.#things.length);
    const [thing] = this.#things.splice(at, 1, this.#things.at(-1) as Thing);
    this.#things.pop();
    return thing;
  }

  give(thing: Thing): void {
    this.#things.push(thing);
  }

  /** Looks at one without taking it. */
  any(roll: Dice): Thing {
    return this.#things[roll(this.#things.length)] as Thing;
  }
}

export type Order = { readonly row: Row; readonly lines: readonly Row[] };

/** With whose it is, which follows from its agent. */
export type Memory = { readonly row: Row; readonly owner: number };

export type Things = {
  readonly tenants: number;
  readonly ledger: Ledger;
  readonly people: Stock<Person>;
  readonly orders: Stock<Order>;
  readonly messages: Stock<Row>;
  readonly memories: Stock<Memory>;
  readonly agents: Stock<Row>;
  /** A number that no other request gets. */
  next(): number;
};

/** Takes rows from the shop, before anything is done to it. */
export async function takeThings(client: pg.ClientBase, tenants: number): Promise<Things> {
  const rowsOf = async (table: TableName, from: string, where: string, limit = TAKEN): Promise<Row[]> => {
    const columns = made(table)
      .columns.map((column) => `r.${column}`)
      .join(', ');
    const { rows } = await client.query<{ row: Row }>(
      `select to_jsonb(x) as row from (select ${columns} from ${from} where ${where} order by md5(r::text) limit ${limit}) x`,
    );
    return rows.map(({ row }) => row);
  };
  const first = (n: string) => `${n} % ${OF} between 1 and 89`;
  const orders = await rowsOf('orders', 'shop.orders r', first('r.id'));
  const lines = await rowsOf(
    'order_lines',
    'shop.order_lines r',
    `r.order_id in (${orders.map(({ id }) => id).join(', ')})`,
    2 * TAKEN,
  );
  const memories = await rowsOf(
    'memories',
    `generate_series(1::bigint, ${120 * tenants}, 2) n join shop.memories r on r.id = truth.uuid('memory', n)`,
    first('n'),
  );
  const owners = await client.query<{ id: string; owner: number }>(
    'select id, owner_key::int as owner from truth.memories where id = any ($1)',
    [memories.map(({ id }) => id)],
  );
  const ownerOf = new Map<unknown, number>(owners.rows.map(({ id, owner }) => [id, owner]));
  const people = Array.from({ length: tenants * USERS_EACH }, (_, n) => ({
    id: n + 1,
    slug: `t${1 + (n % tenants)}`,
  }));
  let number = 0;
  return {
    tenants,
    ledger: new Ledger(),
    people: new Stock(people),
    orders: new Stock(
      orders.map((row) => ({ row, lines: lines.filter((line) => line.order_id === row.id) })),
    ),
    messages: new Stock(
      await rowsOf('messages', 'shop.messages r', `${first('r.id')} and r.author_id is not null`),
    ),
    memories: new Stock(memories.map((row) => ({ row, owner: ownerOf.get(row.id) as number }))),
    agents: new Stock(
      await rowsOf(
        'agents',
        `generate_series(1::bigint, ${20 * tenants}) n join shop.agents r on r.id = truth.uuid('agent', n)`,
        `n % ${OF} between 100 and ${FIRST_BAD - 1}`,
      ),
    ),
    next: () => {
      number += 1;
      return number;
    },
  };
}
