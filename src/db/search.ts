// Full-text search over memories (PostgreSQL documentation, chapter 12). Raw SQL because the ranking is an expression;
// it says tenant and owner for itself, as every query through Prisma does (scope.ts), and row security says it again.

import { Prisma } from '../../generated/prisma/client.ts';
import type { Session } from './session.ts';

export type SearchHit = {
  readonly id: string;
  /** ts_rank_cd: cover density, higher is better. */
  readonly rank: number;
  /** The passages that match, with the words found between two asterisks. */
  readonly highlight: string;
};

/**
 * The best matches first, ties broken by the newest.
 *
 * @param words In the syntax of web search engines: "quoted phrases", or, -not. Any text is well-formed.
 * @param after Rank and id of the last hit of the page before.
 */
export async function searchMemories(
  { db, tenantId, ownerId, worldId }: Session,
  words: string,
  take: number,
  after: readonly [rank: number, id: string] | undefined,
): Promise<SearchHit[]> {
  const inWorld = worldId === null ? Prisma.empty : Prisma.sql`and m.world_id = ${worldId}::uuid`;
  const further =
    after === undefined
      ? Prisma.empty
      : Prisma.sql`where (h.rank, h.id) < (${after[0]}::real, ${after[1]}::uuid)`;
  return db.$queryRaw<SearchHit[]>`
    with query as (select websearch_to_tsquery('english', ${words}) as q),
    hits as materialized (
      select m.id, m.content, ts_rank_cd(m.search, query.q) as rank
        from public.memories m, query
       where m.tenant_id = ${tenantId}::uuid and m.owner_id = ${ownerId}::uuid ${inWorld} and m.search @@ query.q
    ),
    page as (select * from hits h ${further} order by h.rank desc, h.id desc limit ${take}::int)
    select page.id::text as id, page.rank,
           ts_headline('english', page.content, query.q, 'StartSel=**, StopSel=**, MaxFragments=2') as highlight
      from page, query
     order by page.rank desc, page.id desc`;
}
