// What the shop's application does with its rows: each act knows what it must find, and what will stand there when it was acknowledged.
//
// The same acts serve old code and new, which says as whom it acts (requests.ts). An act that does not find its row throws `Hidden`.
// What it wrote is remembered when the database has acknowledged it, not before.

import { createHash } from 'node:crypto';
import type { QueryResult } from 'pg';
import type { Dice } from '../concurrency/dice.ts';
import type { Row } from './digests.ts';
import { made, OF, type TableName } from './shape.ts';
import type { Order, Person, Stock, Things } from './things.ts';

export type Query = (text: string, values?: unknown[]) => Promise<QueryResult>;

/** A row that is there is not seen. */
export class Hidden extends Error {}
/** A row is seen, or changed, that must not be. */
export class Exposed extends Error {}

/** Ends a request that was refused as it had to be: its transaction cannot be committed. */
export class Refused extends Error {}

/** A request about to be sent. */
export type Prepared = {
  /** As whom; for new code alone. */
  readonly as?: number;
  readonly run: (db: Query) => Promise<void>;
  /** When it was acknowledged. */
  readonly done?: () => void;
  /** However it went. */
  readonly over?: () => void;
};

export function exactly({ rowCount }: QueryResult, rows: number): void {
  if (rowCount !== rows) {
    throw rowCount === 0 ? new Hidden(`0 rows for ${rows}`) : new Exposed(`${rowCount} rows for ${rows}`);
  }
}

export async function insert(db: Query, table: TableName, row: Row): Promise<void> {
  const columns = Object.keys(row);
  exactly(
    await db(
      `insert into shop.${table} (${columns.join(', ')}) values (${columns.map((_, n) => `$${n + 1}`).join(', ')})`,
      Object.values(row),
    ),
    1,
  );
}

/** Inserts a row whose key the database gives. */
export async function insertNumbered(db: Query, table: TableName, row: Row): Promise<number> {
  const columns = Object.keys(row);
  const inserted = await db(
    `insert into shop.${table} (${columns.join(', ')}) values (${columns.map((_, n) => `$${n + 1}`).join(', ')}) returning id`,
    Object.values(row),
  );
  exactly(inserted, 1);
  return Number(inserted.rows[0].id);
}

export const STATUS = ['new', 'paid', 'sent', 'returned'];
export const now = () => new Date().toISOString();
/** A number from the first ninety of two hundred. */
export const among = (rows: number, roll: Dice) => 1 + roll(rows / OF) * OF + roll(89);
export const userAt = ({ tenants }: Things, n: number): Person => ({
  id: 1 + ((n - 1) % (tenants * 10)),
  slug: `t${1 + ((n - 1) % tenants)}`,
});

/** Takes a thing for as long as the request lasts. */
export function taking<Thing>(
  stock: Stock<Thing>,
  roll: Dice,
  use: (thing: Thing) => {
    as?: number;
    run: (db: Query) => Promise<void>;
    becomes?: () => Thing | undefined;
  },
): Prepared | undefined {
  const thing = stock.take(roll);
  if (thing === undefined) {
    return undefined;
  }
  const { as, run, becomes } = use(thing);
  let kept: Thing | undefined = thing;
  return {
    ...(as === undefined ? {} : { as }),
    run,
    done() {
      kept = becomes === undefined ? thing : becomes();
    },
    over() {
      if (kept !== undefined) {
        stock.give(kept);
      }
    },
  };
}

export const ownerOf = ({ row }: Order) => Number(row.user_id);

export function adding(things: Things, roll: Dice, who: Person, as?: number): Prepared {
  const row: Row = {
    tenant_slug: who.slug,
    user_id: who.id,
    total: `${roll(10_000)}.${10 + roll(90)}`,
    status: 'new',
    placed_at: now(),
  };
  let order: Order | undefined;
  return {
    ...(as === undefined ? {} : { as }),
    async run(db) {
      const id = await insertNumbered(db, 'orders', row);
      const lines = [1, 2].map((line) => ({ order_id: id, line, sku: `sku-${roll(500)}`, price: '1.50' }));
      for (const line of lines) {
        await insert(db, 'order_lines', line);
      }
      order = { row: { id, ...row }, lines };
    },
    done() {
      if (order !== undefined) {
        things.ledger.wrote('orders', order.row);
        for (const line of order.lines) {
          things.ledger.wrote('order_lines', line);
        }
        things.orders.give(order);
      }
    },
  };
}

/** Changes columns of an order. */
export function changing(things: Things, roll: Dice, change: () => Row, as?: (order: Order) => number) {
  return taking(things.orders, roll, (order) => {
    const changed = change();
    const row = { ...order.row, ...changed };
    return {
      ...(as === undefined ? {} : { as: as(order) }),
      async run(db) {
        exactly(
          await db(
            `update shop.orders set ${Object.keys(changed)
              .map((column, n) => `${column} = $${n + 2}`)
              .join(', ')} where id = $1`,
            [order.row.id, ...Object.values(changed)],
          ),
          1,
        );
      },
      becomes() {
        things.ledger.wrote('orders', row);
        return { ...order, row };
      },
    };
  });
}

export function removing(things: Things, roll: Dice, as?: (order: Order) => number): Prepared | undefined {
  if (things.orders.size < 100) {
    return undefined;
  }
  return taking(things.orders, roll, (order) => ({
    ...(as === undefined ? {} : { as: as(order) }),
    async run(db) {
      exactly(
        await db('delete from shop.order_lines where order_id = $1', [order.row.id]),
        order.lines.length,
      );
      exactly(await db('delete from shop.orders where id = $1', [order.row.id]), 1);
    },
    becomes() {
      things.ledger.removed('orders', order.row);
      for (const line of order.lines) {
        things.ledger.removed('order_lines', line);
      }
      return undefined;
    },
  }));
}

/** Reads an order and looks whether it is what was last written. */
export function reading(things: Things, roll: Dice, as?: (order: Order) => number): Prepared | undefined {
  return taking(things.orders, roll, (order) => ({
    ...(as === undefined ? {} : { as: as(order) }),
    async run(db) {
      const columns = made('orders').columns.map((column) => `o.${column}`);
      const found = await db(
        `select (${columns}) is not distinct from (${columns.map((column) => column.replace('o.', 'e.'))}) as same
           from shop.orders o, jsonb_to_record($2) e (id bigint, tenant_slug text, user_id bigint, total numeric, status text, placed_at timestamptz)
          where o.id = $1`,
        [order.row.id, JSON.stringify(order.row)],
      );
      exactly(found, 1);
      if (found.rows[0].same !== true) {
        throw new Exposed(`order ${order.row.id} is not as it was written`);
      }
    },
  }));
}

export function writingMessage(things: Things, roll: Dice, mine: boolean): Prepared {
  const room = among(things.tenants * 10, roll);
  const { id } = userAt(things, room);
  const row: Row = {
    room_id: roomAt(room),
    author_id: id,
    agent_id: null,
    body: `Written ${things.next()}`,
    sent_at: now(),
  };
  let written: Row | undefined;
  return {
    ...(mine ? { as: id } : {}),
    async run(db) {
      written = { id: await insertNumbered(db, 'messages', row), ...row };
    },
    done() {
      if (written !== undefined) {
        things.ledger.wrote('messages', written);
        things.messages.give(written);
      }
    },
  };
}

/** Ids of rooms are made of their numbers: see shape.ts. */
export function roomAt(n: number): string {
  const hex = createHash('md5').update(`room${n}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Has a memory say something else; the shop's own trigger says when. */
export function rewriting(things: Things, roll: Dice, mine: boolean): Prepared | undefined {
  return taking(things.memories, roll, (memory) => {
    const content = { text: `Rewritten ${things.next()}`, weight: roll(7) };
    let updated: unknown;
    return {
      ...(mine ? { as: memory.owner } : {}),
      async run(db) {
        const result = await db(
          "update shop.memories set content = $2 where id = $1 returning to_jsonb(updated_at) #>> '{}' as at",
          [memory.row.id, JSON.stringify(content)],
        );
        exactly(result, 1);
        updated = result.rows[0].at;
      },
      becomes() {
        const row = { ...memory.row, content, updated_at: updated };
        things.ledger.wrote('memories', row);
        return { ...memory, row };
      },
    };
  });
}
