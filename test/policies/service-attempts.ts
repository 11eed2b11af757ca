// What every voice tries with credentials for services: the blocks of ACCESS.txt about their two tables, and what the probe asks
// besides, of the kernel's functions and of the column that is encrypted.
//
// Data, no assertions: what came of it is printed and compared elsewhere (matrix.ts, test/assurance/mutation).

import { ACTORS, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { SERVICES } from '../../src/demo/services.ts';
import type { Block, Statement } from './attempts.ts';
import { ASKED, REQUESTS } from './permissions.ts';
import { ASSIGNED, BARE, KEPT, type Owner, SAID, type Sort, TWIN_ONLY } from './services.ts';
import { DATA_KEYS, under } from './wrapped.ts';

const NEW = id<string>(9, '1');
const alice = USERS.alice.id;
const acme = TENANTS.acme.id;
/** The id of an entry, made when the statement is carried out. */
const ENTRY = 'bailiwick.id_at(clock_timestamp())';
const LONG_AGO = id<string>(8, 'acce');

const isOwner = (who: string): who is Owner => who in KEPT;

const credentials = (kind: string, sort: Sort): Block => ({
  table: 'service_credentials',
  kind,
  key: 'id',
  set: "label = 'Changed'",
  relations: ['own', 'owner', 'foreign', 'other'],
  row: (who) => (isOwner(who) ? BARE[who][sort] : undefined),
  make: (who) => {
    const agent_id = sort === 'assigned' && isOwner(who) ? ASSIGNED[who] : null;
    return isOwner(who) || who === 'scout'
      ? { ...SAID, id: NEW, owner_id: ACTORS[who].id, agent_id }
      : undefined;
  },
});

const secrets = (kind: string, sort: Sort): Block => ({
  table: 'service_secrets',
  kind,
  key: 'id',
  set: "secret_index = 'changed'",
  relations: ['own', 'owner', 'foreign', 'other'],
  row: (who) => (isOwner(who) ? KEPT[who][sort] : undefined),
  make: (who) =>
    isOwner(who)
      ? {
          id: BARE[who][sort],
          owner_id: ACTORS[who].id,
          secret: under(DATA_KEYS[who]),
          secret_index: 'x',
        }
      : undefined,
});

/** Those for every agent and those for one; of secrets also those that are the owner's alone. */
export const SERVICE_BLOCKS: readonly Block[] = [
  credentials('unassigned one', 'shared'),
  credentials('assigned one', 'assigned'),
  secrets('private one', 'private'),
  secrets('shared one', 'shared'),
  secrets('assigned one', 'assigned'),
];

/** Complete rows of alice's that she herself may insert, without their tenant. */
export const SERVICE_ROWS = {
  service_credentials: { ...SAID, id: NEW, owner_id: alice },
  service_secrets: {
    id: BARE.alice.shared,
    owner_id: alice,
    secret: under(DATA_KEYS.alice),
    secret_index: 'x',
  },
};

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

/** What the probe asks about values in the encrypted column. */
export function sealingServices(attempt: Attempt, values: Readonly<Record<string, string | null>>): void {
  const { secret: _, ...row } = SERVICE_ROWS.service_secrets;
  for (const [value, secret] of Object.entries(values)) {
    attempt('service_secrets', `a secret ${value}`, {
      text: `insert into service_secrets (tenant_id, id, owner_id, secret_index, secret) values ($1, $2, $3, $4, $5)`,
      values: [acme, ...Object.values(row), secret],
    });
    attempt('service_secrets', `a secret replaced by one ${value}`, {
      text: 'update service_secrets set secret = $1 where tenant_id = $2 and id = $3',
      values: [secret, acme, KEPT.alice.private],
    });
    // without a WHERE, so that nothing asks whether the row may be seen
    attempt('service_secrets', `every secret replaced by one ${value}`, {
      text: 'update service_secrets set secret = $1',
      values: [secret],
    });
  }
}

/** What the kernel says and does when a service is used. */
export function services(attempt: Attempt): void {
  attempt(undefined, 'what is revealed', {
    // nothing revealed is an empty list, not none
    text: `select cardinality(l) || coalesce((select string_agg(r::text, ',' order by r) from unnest(l) r), '') as revealed
             from bailiwick.revealed() l`,
    values: [],
  });
  const used = (
    name: string,
    key: string,
    call: string | null,
    entry: string | null = ENTRY,
    [approval, digest]: readonly [approval: string | null, digest: string | null] = [null, null],
  ) =>
    attempt(undefined, `the use of ${name}`, {
      text: `select coalesce(u ->> 'refusal', (u - '{envelope,startedId}'::text[] || jsonb_build_object('started', u ->> 'startedId' is not null))::text || (u ->> 'envelope' = $3)::text) as used
               from bailiwick.use_service($1, $2, ${entry}, $4, $5) u`,
      values: [key, call, under(DATA_KEYS.alice), approval, digest],
    });
  for (const [owner, sorts] of Object.entries(KEPT)) {
    for (const [sort, key] of Object.entries(sorts)) {
      used(`${owner}'s ${sort} one`, key, 'second');
    }
  }
  used("what only alice's twin has", TWIN_ONLY, 'second');
  used('what nobody has', NEW, 'second');
  used('none', '00000000-0000-0000-0000-000000000000', null);
  used('a call that there is not', KEPT.alice.shared, 'third');
  used('no call', KEPT.alice.shared, null);
  used('what is recorded as of long ago', KEPT.alice.shared, 'first', `'${LONG_AGO}'`);
  used('what is recorded nowhere', KEPT.alice.shared, 'first', null);
  used('what has no secret', BARE.alice.shared, 'first');
  used("the cast's", SERVICES.exchange.id, 'quotes.latest');
  used('what is denied', SERVICES.weather.id, 'forecast');
  used('what is asked for', SERVICES.tracker.id, 'issues.create');
  const { tracker, weather } = SERVICES;
  const { 'approved for the tracker': good, rejected } = REQUESTS;
  for (const [which, { id: approval }] of Object.entries({ good, rejected, nothing: { id: NEW } })) {
    const given = [approval, ASKED.digest] as const;
    used(`what is asked for, with an approval: ${which}`, tracker.id, 'issues.create', ENTRY, given);
    used(`what is allowed, with an approval: ${which}`, KEPT.alice.shared, 'second', ENTRY, given);
    used(`what is denied, with an approval: ${which}`, weather.id, 'forecast', ENTRY, given);
  }
  used('what is asked for, with the approval of something else', tracker.id, 'issues.create', ENTRY, [
    good.id,
    'x',
  ]);
  notes(attempt);
  expires(attempt);
}

// One row is touched by a use, whoever's rows those are that cannot be seen from here, and none by a refusal.
function notes(attempt: Attempt): void {
  for (const sort of ['shared', 'assigned'] as const) {
    const key = `'${KEPT.alice[sort]}'`;
    attempt(undefined, `what the use of one that is ${sort} leaves behind`, {
      text: `do $$
      declare
        before bigint := pg_stat_get_xact_tuples_updated('public.service_credentials'::regclass);
        used jsonb := bailiwick.use_service(${key}, 'first', ${ENTRY}, null, null);
        touched bigint := pg_stat_get_xact_tuples_updated('public.service_credentials'::regclass) - before;
        noted bigint := (select count(*) from public.service_credentials s where s.id = ${key}
          and s.last_used_at = statement_timestamp()::timestamptz(3) and s.last_used_by = bailiwick.actor_id());
      begin
        if touched is distinct from (not used ? 'refusal')::int or touched <> noted then
          raise exception '% touched, % noted', touched, noted using errcode = 'ZZ001';
        end if;
      end $$`,
      values: [],
    });
  }
}

// An end that is past for the statement and not for the transaction.
function expires(attempt: Attempt): void {
  for (const [name, end, refusal] of [
    ['has just expired', `date_trunc('milliseconds', statement_timestamp())`, 'expired'],
    ['expires soon', `statement_timestamp() + interval '1 minute'`, ''],
  ] as const) {
    attempt(undefined, `the use of what ${name}`, {
      text: `do $$
      begin
        update public.service_credentials set expires_at = ${end};
        if coalesce(bailiwick.use_service('${KEPT.alice.shared}', 'first', ${ENTRY}, null, null) ->> 'refusal', '') <> '${refusal}' then
          raise exception 'otherwise' using errcode = 'ZZ002';
        end if;
      end $$`,
      values: [],
    });
  }
}
