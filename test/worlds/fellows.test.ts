// The page of all fellows is put together from a page of each world. Held against what the policy says, row by row.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { USERS } from '../../src/demo/cast.ts';
import { dataOf } from '../kit/answer.ts';
import { type RunningServer, test } from '../kit/server.ts';

type Name = 'alice' | 'bob' | 'ada';

/** Worlds of all three, made and joined in turns, so that the members of none stand together; one of each is archived at the end. */
async function arrange({ query, migrate }: Pick<RunningServer, 'query' | 'migrate'>): Promise<void> {
  const names = ['alice', 'bob', 'ada'] as const;
  const made: { readonly owner: Name; readonly id: string }[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    for (const owner of names) {
      const { createWorld } = dataOf(
        await query(owner, documents.CreateWorldDocument, { input: { name: `${owner} ${turn}` } }),
      );
      made.push({ owner, id: createWorld.__typename === 'World' ? createWorld.id : '' });
    }
    for (const [at, { owner, id }] of made.entries()) {
      const other = names[(names.indexOf(owner) + 1 + ((turn + at) % 2)) % 3] as Name;
      const role = at % 2 === 0 ? 'MEMBER' : 'GUEST';
      const input = { worldId: id, userId: toGlobalId('User', USERS[other].id), role } as const;
      await query(owner, documents.AddWorldMemberDocument, { input });
    }
  }
  await migrate((sql) =>
    sql.rows(`update entities set status = 'archived' where id = any($1::uuid[])`, [
      made.slice(-3).map(({ id }) => fromGlobalId(id).id),
    ]),
  );
}

const EXPECTED = `
  select m.id::text as id, m.role from world_members m
   where m.owner_id = $1 or exists (
     select from world_members x join entities w on w.tenant_id = x.tenant_id and w.id = x.world_id
      where x.tenant_id = m.tenant_id and x.world_id = m.world_id and x.entity_id = $1 and w.status = 'active')
   order by m.id`;

test('paged in either direction, by any size and role, all fellows come once and in order', async ({
  query,
  server,
}) => {
  await arrange({ query, migrate: server.migrate });
  const page = async (actor: Name, variables: documents.MembersQueryVariables) =>
    dataOf(await query(actor, documents.MembersDocument, variables)).members;
  for (const actor of ['alice', 'bob', 'ada'] as const) {
    const all = await server.migrate((sql) =>
      sql.rows<{ id: string; role: string }>(EXPECTED, [USERS[actor].id]),
    );
    expect(all.length).toBeGreaterThan(10);
    for (const role of [undefined, 'GUEST', 'OWNER'] as const) {
      const ids = all
        .filter((row) => role === undefined || row.role === role.toLowerCase())
        .map(({ id }) => id);
      const filter = role === undefined ? {} : { filter: { role } };
      for (const size of [1, 3, 100]) {
        for (const direction of ['ASC', 'DESC'] as const) {
          const seen: string[] = [];
          for (let after: string | null | undefined, more = true; more; ) {
            const { edges, pageInfo } = await page(actor, {
              first: size,
              after,
              orderBy: { direction },
              ...filter,
            });
            seen.push(...edges.map(({ node }) => fromGlobalId(node.id).id));
            after = pageInfo.endCursor;
            more = pageInfo.hasNextPage;
          }
          expect(seen).toEqual(direction === 'ASC' ? ids : ids.toReversed());
        }
      }
      const last = await page(actor, { last: 2, ...filter });
      expect(last.edges.map(({ node }) => fromGlobalId(node.id).id)).toEqual(ids.slice(-2));
    }
  }
});
