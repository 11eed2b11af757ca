// What every voice tries with what is usual for agents: its block of ACCESS.txt, how far calls are from it, and what comes of calls that
// an agent has just noted.
//
// Data, no assertions: what came of it is printed and compared elsewhere (matrix.ts, test/assurance/mutation).

import { ACTORS, type ActorName, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DONE } from './activity.ts';
import { type Keeper, SPARES } from './arrangement.ts';
import type { Block, Statement } from './attempts.ts';
import { telling } from './event-attempts.ts';
import { BASELINES, CALLS, LEARNED, type Network } from './usual.ts';
import { agentOf } from './voices.ts';

const NEW = id<string>(9, '1');
const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
const isKeeper = (who: ActorName): who is Keeper => who in SPARES;

/** A complete row of alice's that she herself may insert, without its tenant. */
export const BASELINE_ROW = { id: NEW, owner_id: alice, agent_id: SPARES.alice.agent };

export const BASELINE_BLOCKS: readonly Block[] = [
  {
    table: 'baselines',
    key: 'id',
    set: 'threshold = 0.7',
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && BASELINES[agent];
    },
    make: (who) =>
      isKeeper(who) ? { id: NEW, owner_id: ACTORS[who].id, agent_id: SPARES[who].agent } : undefined,
  },
];

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

/** How far calls are from what is usual. */
export function deviating(attempt: Attempt): void {
  for (const [what, [network, , , learned = LEARNED]] of Object.entries(CALLS)) {
    attempt(undefined, `how far a call is: ${what}`, {
      text: 'select bailiwick.deviation($1, $2)::text',
      values: [JSON.stringify(learned), JSON.stringify(network)],
    });
  }
}

/** The id of an entry of now, by its last digits. */
const now = (last: string) =>
  `(lpad(to_hex(floor(extract(epoch from statement_timestamp()) * 1000)::bigint), 12, '0') || '7000800000000000${last}')::uuid`;
const entry = (last: string, network: Network | null, outcome = 'succeeded') => `
  insert into public.activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, network, chain)
  values ('${acme}', ${now(last)}, '${alice}', bailiwick.actor_id(), 'desk', 'files.write', '${outcome}',
          ${network === null ? 'null' : `'${JSON.stringify(network)}'`}, bailiwick.delegation_chain());`;
const watch = (...entries: readonly string[]) => `perform bailiwick.watch(array[${entries.join(', ')}]);`;
/** What whoever may see baselines sees of alerts. */
const ALERTS = `(select string_agg(concat_ws(' ', b.id, b.alert - 'entryId', right(b.alert->>'entryId', 4), b.alerted_at is not null), ',' order by b.id)
  from public.baselines b)`;

const usual: Network = { host: 'api.example.org', method: 'GET', port: 443, tls: true };
const strange: Network = { host: 'elsewhere.example.org' };

/** What comes of calls that were noted: the kernel reads and writes under the policies of the table. */
export function watching(attempt: Attempt): void {
  const finish = (network: Network) =>
    `perform bailiwick.finish_call(${now('000b')}, ${now('000a')}, 'succeeded', 5, '${JSON.stringify(network)}');`;
  for (const [what, commands] of Object.entries({
    'a call as always': entry('000a', usual) + watch(now('000a')),
    'a call to an unknown host': entry('000a', strange) + watch(now('000a')),
    'a call exactly at the threshold': entry('000a', { ...usual, port: 22 }) + watch(now('000a')),
    'a call below the threshold': entry('000a', { ...usual, method: 'PUT' }) + watch(now('000a')),
    'the worse of two calls':
      entry('000a', { ...usual, port: 22 }) + entry('000b', strange) + watch(now('000a'), now('000b')),
    'the first of two that are as bad':
      entry('000b', strange) + entry('000a', strange) + watch(now('000b'), now('000a')),
    'a call that was not named':
      entry('000a', strange) + entry('000b', { ...usual, port: 22 }) + watch(now('000b')),
    'what went nowhere': entry('000a', null) + watch(now('000a')),
    'what was done long ago': watch(...Object.values(DONE).map((done) => `'${done}'::uuid`)),
    nothing: watch('null::uuid'),
    'the end of a call as always': entry('000a', null, 'started') + finish(usual),
    'the end of a call to an unknown host': entry('000a', null, 'started') + finish(strange),
  })) {
    attempt('baselines', `what alerts of ${what}`, telling(commands, ALERTS));
  }
}
