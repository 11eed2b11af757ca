// What cases try with credentials for services of third parties: to see them, to have one used, to read a secret; with a chain that
// names all there is, and without any authority. No cases here.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { pair } from './hops.ts';
import { aside, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';

export const EXECUTE = ['credential:read', 'credential:execute'];
export const REVEAL = ['credential:read', 'secret:read'];

/** How many credentials are seen, and of how many the secret is read. */
export const seen = (count: number) => step('select from service_credentials', count);
export const readable = (count: number): Step[] => [
  step('select from service_secrets where secret is not null', count),
  step('select cardinality(bailiwick.revealed())', count),
];
/** The secret of one, by its id and by what it is. */
export const secretOf = (count: number, { id }: { readonly id: string }): Step[] => [
  step('select from service_secrets where id = $1', count, [id]),
  step(
    `select from service_credentials c join service_secrets using (tenant_id, id) where c.id = $1`,
    count,
    [id],
  ),
];
/** Has one used, perhaps with an approval: the reason why not, or of which service it was. */
export const used = (
  expect: string,
  { id }: { readonly id: string },
  call: string | null,
  entry: string | null = timelyId(),
  approval: string | null = null,
  digest: string | null = null,
): Step =>
  step(
    `select coalesce((r->>'refusal') || coalesce(' ' || (r->>'problem'), ''), 'used ' || (r->>'service'))
       from bailiwick.use_service($1, $2, $3, $4, $5) r`,
    expect,
    [id, call, entry, approval, digest],
  );
/** How many entries of the log this request has left that say so. */
export const noted = (count: number, outcome: 'allowed' | 'asked' | 'denied' | 'started'): Step =>
  aside(
    'select count(*)::int from activity_entries where outcome = $1 and request_id = bailiwick.request_id()',
    count,
    [outcome],
  );
/** A call of the tracker's. */
export const LIST = 'issues.list';
/** Neither seen, nor used, nor read. */
export const nothing: readonly Step[] = [
  seen(0),
  ...readable(0),
  ...[SERVICES.tracker, SERVICES.weather, SERVICES.post].map((one) =>
    used('credential', one, one.calls[0]?.name ?? ''),
  ),
];

/** All that can be delegated, to scout and on to scribe. */
export const whole = pair({ capabilities: DELEGABLE }, { capabilities: DELEGABLE });
