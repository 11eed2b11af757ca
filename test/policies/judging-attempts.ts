// What the probe asks of the kernel about actions: the verdict on some, with the rules there are and with others in their place; what
// is asked for; deciding on requests and redeeming them, and what either leaves behind.
//
// Data, no assertions: what came of it is printed and compared elsewhere (test/assurance/mutation). A version is printed as it is:
// within one database it is the same until a rule is another.

import { AGENTS, id, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { Statement } from './attempts.ts';
import { ASKED, HOPS, REQUESTS, TWIN_AGENT, TWIN_REQUESTS, WAITING } from './permissions.ts';
import { DATA_KEYS, under } from './wrapped.ts';

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

const NEW = id<string>(9, '1');
const { scout, scribe, late, rogue, bobot } = AGENTS;

const call = (text: string, ...values: unknown[]): Statement => ({ text: `select ${text}`, values });

type Instead = readonly [agent: string | null, service: string, action: string, effect: string | null];

/** Rules that are not there, and what they are asked about: an action of the service `void` or `desk`. */
const SUPPOSED: Readonly<Record<string, readonly [action: string, ...instead: Instead[]]>> = {
  nothing: ['a.b.c'],
  'a service allowed': ['a.b.c', [null, 'void', '*', 'allow']],
  'a service allowed and actions denied': ['a.b.c', [null, 'void', '*', 'allow'], [null, '*', 'a.*', 'deny']],
  'a longer beginning denied': ['a.b.c', [null, 'void', 'a.*', 'allow'], [null, 'void', 'a.b.*', 'deny']],
  'a longer beginning allowed': ['a.b.c', [null, 'void', 'a.*', 'deny'], [null, 'void', 'a.b.*', 'allow']],
  'a short beginning allowed': ['a.b.c', [null, 'void', '*', 'deny'], [null, 'void', 'a.*', 'allow']],
  'the action allowed': ['a.b.c', [null, 'void', 'a.b.*', 'deny'], [null, 'void', 'a.b.c', 'allow']],
  'the action allowed, the rest denied': [
    'a.b.c',
    [null, 'void', '*', 'deny'],
    [null, 'void', 'a.b.c', 'allow'],
  ],
  'the agent allowed': ['a.b.c', [scout.id, '*', '*', 'allow']],
  'the agent allowed and the service denied': [
    'a.b.c',
    [scout.id, '*', '*', 'allow'],
    [null, 'void', '*', 'deny'],
  ],
  'the agent allowed and the action denied': [
    'a.b.c',
    [scout.id, 'void', '*', 'allow'],
    [null, 'void', 'a.b.c', 'deny'],
  ],
  'another agent denied': ['a.b.c', [scribe.id, '*', '*', 'deny']],
  'another service denied': ['a.b.c', [null, 'other', '*', 'deny']],
  'what it begins with denied': ['a.b.c', [null, 'void', 'a.b', 'deny']],
  'what it ends with denied': ['a.b.c', [null, 'void', 'b.*', 'deny']],
  'what begins otherwise denied': ['a.x', [null, 'void', 'a.b.*', 'deny']],
  'the last rule taken away': ['a.b.c', [null, '*', '*', null]],
  'the last rule denied': ['a.b.c', [null, '*', '*', 'deny']],
  'a rule taken away that is none': ['a.b.c', [scout.id, 'void', '*', null]],
  'rules about two allowed and denied': [
    'a.b.c',
    [scout.id, 'void', 'a.b.c', 'allow'],
    [null, 'void', '*', 'deny'],
  ],
  'the one above denied': ['a.b.c', [scout.id, 'void', '*', 'deny'], [scribe.id, 'void', '*', 'allow']],
  'the one below denied': ['a.b.c', [scout.id, 'void', '*', 'allow'], [scribe.id, 'void', '*', 'deny']],
  'one of two allowed': ['a.b.c', [scout.id, 'void', '*', 'allow']],
  'both allowed': ['a.b.c', [scout.id, 'void', '*', 'allow'], [scribe.id, 'void', '*', 'allow']],
};

/** Of them, those that are asked about scribe below scout too. */
const BELOW: readonly string[] = [
  'rules about two allowed and denied',
  'the one above denied',
  'the one below denied',
  'one of two allowed',
];

/** The same of rules that are there, and some in the place of one of these. */
const KNOWN: readonly (readonly [service: string, action: string, ...instead: Instead[]])[] = [
  ['desk', 'files.write'],
  ['desk', 'files.write', [null, 'desk', 'files.*', 'allow']],
  ['desk', 'files.write', [scout.id, 'desk', 'files.*', 'allow']],
  ['desk', 'files.write', [scout.id, 'desk', 'files.*', null]],
  ['desk', 'rooms.book'],
  ['desk', 'rooms'],
  ['desk', 'roomy'],
  ['desk', 'rooms.book', [null, 'desk', '*', 'deny']],
  ['desk', 'rooms.book', [null, 'weather', 'rooms.*', 'deny']],
  ['void', 'a.b', [null, 'weather', '*', 'deny']],
  ['void', 'a.b', [null, '*', 'accounts.*', null]],
  ['weather', 'forecast'],
  ['tracker', 'issues.list'],
  ['probe', 'particular'],
  ['spare', 'second'],
];

const rules = (instead: readonly Instead[]) =>
  JSON.stringify(instead.map(([agentId, service, action, effect]) => ({ agentId, service, action, effect })));

/** What is said of an action, of its own accord and for a request. */
export function judging(attempt: Attempt): void {
  const preview = (name: string, ...values: unknown[]) =>
    attempt(
      undefined,
      `the preview of ${name}`,
      call('bailiwick.preview($1, $2, $3, $4, $5)::text', ...values),
    );
  for (const [name, [action, ...instead]] of Object.entries(SUPPOSED)) {
    preview(`scout, ${name}`, scout.id, null, 'void', action, rules(instead));
    // of few, because a fault that has a chain without end takes its time with each
    if (BELOW.includes(name)) {
      preview(
        `scribe below scout, ${name}`,
        scribe.id,
        DELEGATIONS.scribe.id,
        'void',
        action,
        rules(instead),
      );
    }
  }
  for (const [service, action, ...instead] of KNOWN) {
    preview(`${service} ${action} ${rules(instead)}`, scout.id, null, service, action, rules(instead));
  }
  const whom: Readonly<Record<string, readonly [agent: string, delegation: string | null]>> = {
    'an agent without a delegation': [late.id, null],
    'an agent of two hops': [late.id, HOPS.lower],
    'an agent in the delegation of another': [scribe.id, DELEGATIONS.scout.id],
    "an agent in a colleague's delegation": [scout.id, DELEGATIONS.bobot.id],
    'an agent in a delegation of its twin': [scout.id, HOPS.upper],
    'an agent in a delegation that there is not': [scout.id, NEW],
    "a colleague's agent": [bobot.id, null],
    "a colleague's agent in its delegation": [bobot.id, DELEGATIONS.bobot.id],
    "the twin's agent": [TWIN_AGENT, null],
    'a world': [WORLDS.garden.id, null],
    'a person': [USERS.alice.id, null],
    nobody: [NEW, null],
  };
  const instead = rules([
    [scout.id, 'void', '*', 'deny'],
    [rogue.id, 'void', '*', 'allow'],
    [late.id, 'void', '*', 'allow'],
  ]);
  for (const [name, of] of Object.entries(whom)) {
    preview(name, ...of, 'void', 'a.b', instead);
  }
  attempt(undefined, 'who acts', call(`array_to_string(bailiwick.acting(), ',')`));
  for (const [service, action] of KNOWN) {
    attempt(
      undefined,
      `the verdict on ${service} ${action}`,
      call('bailiwick.authorize($1, $2)::text', service, action),
    );
    attempt(
      undefined,
      `what is asked of ${service} ${action}`,
      call('bailiwick.asked($1, $2)', service, action),
    );
  }
  attempt(undefined, 'what is asked of anything', call(`bailiwick.asked('void', 'a.b')`));
}

const { service, action, digest } = ASKED;
const STATES = {
  ...Object.fromEntries(Object.entries(REQUESTS).map(([state, { id: key }]) => [state, key])),
  ...Object.fromEntries(Object.entries(WAITING).map(([who, key]) => [`waiting, of ${who}`, key])),
  'approved of the twin': TWIN_REQUESTS.approved,
  'waiting of the twin': TWIN_REQUESTS.waiting,
  none: NEW,
};
const DECIDE = `coalesce(bailiwick.decide_approval($1, $2, $3, null), 'done')`;
const REDEEM = `coalesce(bailiwick.redeem_approval($1, $2, $3, $4), 'done')`;
const OTHER = 'cd'.repeat(32);

/** What becomes of requests. */
export function deciding(attempt: Attempt): void {
  for (const [state, key] of Object.entries(STATES)) {
    for (const decision of ['approved', 'rejected']) {
      attempt(undefined, `that one is ${decision}: ${state}`, call(DECIDE, key, digest, decision));
    }
    attempt(
      undefined,
      `that one is approved, of another digest: ${state}`,
      call(DECIDE, key, OTHER, 'approved'),
    );
    attempt(undefined, `the redemption of one: ${state}`, call(REDEEM, key, service, action, digest));
  }
  const good = REQUESTS.approved.id;
  for (const [name, ...other] of [
    ['for another service', 'void', action, digest],
    ['for another action', service, 'files.read', digest],
    ['for another digest', service, action, OTHER],
    ['for nothing', null, null, null],
  ] as const) {
    attempt(undefined, `the redemption of one ${name}`, call(REDEEM, good, ...other));
  }
  leaves(
    attempt,
    'a decision',
    `bailiwick.decide_approval('${WAITING.scout}', '${digest}', 'approved', null)`,
    'decided_at',
  );
  leaves(
    attempt,
    'a redemption',
    `bailiwick.redeem_approval('${good}', '${service}', '${action}', '${digest}')`,
    'redeemed_at',
  );
  locks(attempt, good);
  expires(attempt);
}

// One row is touched, whoever's rows those are that cannot be seen from here, at the time it is done and not when it was begun.
function leaves(attempt: Attempt, what: string, done: string, time: string): void {
  attempt(undefined, `what ${what} leaves behind`, {
    text: `do $$
      declare
        before bigint := pg_stat_get_xact_tuples_updated('public.approvals'::regclass);
        slept text := pg_sleep(0.005);
        said text := ${done};
        touched bigint := pg_stat_get_xact_tuples_updated('public.approvals'::regclass) - before;
        late bigint := (select count(*) from public.approvals a where a.${time} > statement_timestamp() + interval '3 milliseconds');
      begin
        if touched <> (said is null)::int or late > touched
           or late < touched and bailiwick.owner('approval', 'read') is not null then
          raise exception '% touched, % at that time', touched, late using errcode = 'ZZ003';
        end if;
      end $$`,
    values: [],
  });
}

// Whoever holds a row for others to wait leaves a mark on it; the chain's rows get one, and no other delegation does.
function locks(attempt: Attempt, key: string): void {
  attempt(undefined, 'what a redemption holds', {
    text: `do $$
      declare
        before jsonb := (select jsonb_object_agg(d.id, d.xmax::text) from public.delegations d);
        said text := bailiwick.redeem_approval('${key}', '${service}', '${action}', '${digest}');
        held uuid[] := array(select d.id from public.delegations d where d.xmax::text is distinct from before ->> d.id::text);
      begin
        if not (held <@ bailiwick.delegation_chain()) or said is null and held = '{}' then
          raise exception 'held: %', held using errcode = 'ZZ004';
        end if;
      end $$`,
    values: [],
  });
}

// An end that is past for the clock and not for the transaction: such a request waits no more.
function expires(attempt: Attempt): void {
  attempt(undefined, 'requests that have just expired', {
    text: `do $$
      begin
        insert into public.approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at)
        select bailiwick.tenant_id(), gen_random_uuid(), bailiwick.owner('approval', 'create'), bailiwick.actor_id(), 'void', 'a.b',
               to_jsonb('${under(DATA_KEYS.alice)}'::text), '${digest}', bailiwick.asked('void', 'a.b'), bailiwick.delegation_chain(),
               date_trunc('milliseconds', statement_timestamp())
          from generate_series(1, 50)
         where bailiwick.asked('void', 'a.b') is not null;
        if (select count(*) from public.approvals a where a.decision is null and a.expires_at <= statement_timestamp()) >= 50
           and bailiwick.asked('void', 'a.b') is null then
          raise exception 'otherwise' using errcode = 'ZZ005';
        end if;
      end $$`,
    values: [],
  });
  attempt(undefined, 'the redemption of one that has just expired', {
    text: `do $$
      declare
        said text;
      begin
        insert into public.approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at)
        select bailiwick.tenant_id(), '${NEW}', bailiwick.owner('approval', 'create'), bailiwick.actor_id(), 'void', 'a.b',
               to_jsonb('${under(DATA_KEYS.alice)}'::text), '${digest}', bailiwick.asked('void', 'a.b'), bailiwick.delegation_chain(),
               date_trunc('milliseconds', statement_timestamp());
        said := bailiwick.redeem_approval('${NEW}', 'void', 'a.b', '${digest}');
        if said <> 'expired' then
          raise exception '%', said using errcode = 'ZZ006';
        end if;
      end $$`,
    values: [],
  });
}
