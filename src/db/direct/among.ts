// Among which rows those of a page are, where PostgreSQL does not find that out by itself.
//
// The memberships that somebody may see are those of each of their worlds. Asked for the first of them all by that condition, an "or" over worlds,
// it sorts all members of all of them, or goes through the tenant's. So it is told: they are among the first of each world, which an index has
// in their order. This takes no row away that the page has, and adds none: conditions, the second layer and the policies stand beside it.

import type { OpenContext } from '../sealed-connection.ts';
import { condition, from, type Named, type Parameters } from './filter.ts';

/** What may be said of a page. */
export type Among = 'fellows';

type Asked = {
  readonly where: unknown;
  readonly take: number;
  /** What the page is ordered by, of a table that is called so. */
  readonly by: (of: Named) => readonly string[];
};

/** @returns SQL for the ids among which those of a page of fellows are. */
export function amongWhich(
  { where, take, by }: Asked,
  { tenantId, ownerId }: Pick<OpenContext, 'tenantId' | 'ownerId'>,
  parameters: Parameters,
): string {
  const tenant = parameters.add(tenantId, { type: 'Uuid' });
  const owner = parameters.add(ownerId, { type: 'Uuid' });
  const fellow: Named = { model: 'WorldMember', alias: 'fellow' };
  const own: Named = { model: 'WorldMember', alias: 'own' };
  const page = `order by ${by(fellow).join(', ')} limit ${take}`;
  // an owner is a member of each of their worlds, and sees who is in those that are not active any more
  return `with places as (
      select unnest((select bailiwick.worlds('member', 'read'))) as id
       union
      select own.world_id from ${from(own)} where own.tenant_id = ${tenant} and own.entity_id = ${owner} and own.owner_id = ${owner})
    select fellow.id from places cross join lateral (
      select fellow.id from ${from(fellow)}
       where fellow.tenant_id = ${tenant} and fellow.world_id = places.id and ${condition(fellow, where, parameters)} ${page}) fellow
    ${page}`;
}
