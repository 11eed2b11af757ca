// Looking at sensitive memories from both sides: as they are stored, and as their owner reads them.

import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/cast.ts';
import type { Lane } from './lane.ts';

export type Migrate = <Result>(work: (sql: Sql) => Promise<Result>) => Promise<Result>;
export type Stored = { content: string; metadata: unknown; sensitive: boolean; search: string | null };

export const stored = (migrate: Migrate, id: string) =>
  migrate(async (sql) => {
    const [row] = await sql.rows<Stored>(
      `select content, metadata, sensitive, search::text from memories where id = '${id}'`,
    );
    return row as Stored;
  });

export const ENVELOPE = /^bwe1\.[0-9a-f]{32}\.[A-Za-z0-9_-]+$/;

/** A sensitive memory of alice's. */
export async function secret(lane: Lane, content: string, more: object = {}): Promise<string> {
  const id = newId();
  await lane.run('alice', ({ db }) =>
    db.memory.createMany({ data: [{ id, content, sensitive: true, ...more }] as never }),
  );
  return id;
}

export const readBack = (lane: Lane, id: string) =>
  lane.read('alice', ({ db }) => db.memory.findFirst({ where: { id } }));
