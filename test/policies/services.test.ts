// Guarantees of prisma/policies/07-services.sql: what a credential is used for, by whom, and what is recorded of it.
// What may not be known of gets one answer, whatever the reason. Whose secrets may be read is in revealed.test.ts, what the owner's rules
// have to say in service-approvals.test.ts.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { arrangeKeys, KEYS, keyTicket, serviceTicket } from './credentials.ts';
import { DEAD, EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { TWIN_ONLY } from './services.ts';

const USE = 'select bailiwick.use_service($1, $2, $3, null, null)';
const { alice, bob } = USERS;
const { tracker, weather, post, parts, exchange } = SERVICES;
const use = (sql: Sql, id: string, call: string | null, entry: string = newId()) =>
  sql.value(USE, [id, call, entry]);
const NONE = async () => undefined;
/** Has alice's rules hold nothing back. */
const allowed = (sql: Sql) =>
  sql.rows(`update permissions set effect = 'allow' where owner_id = $1`, [alice.id]);

/** All that a use could leave behind, as the administrator sees it. Ends what the runtime role does in this transaction. */
const traces = async (sql: Sql) => {
  await sql.client.query('reset role');
  return await sql.rows(
    `select 'entry' as trace from audit_entries where event = 'service.called'
     union all select 'note' from service_credentials where last_used_at is not null or last_used_by is not null`,
  );
};

type Who = 'alice' | 'bob' | 'ada' | 'mallory' | 'scout' | 'scribe' | 'late' | 'rogue' | 'mimic';
type Case = readonly [who: Who, acting: Acting, id: string, call?: string];

/** Registers a test: what one answer is given to, that it says nothing else, and that nothing is recorded of it. */
function refuses(refusal: string, cases: Readonly<Record<string, Case>>): void {
  for (const [what, [who, acting, id, call]] of Object.entries(cases)) {
    test(`a use is refused with '${refusal}' and leaves nothing behind: ${what}`, async ({ as }) => {
      await as(who, { ...acting, given: acting.given ?? NONE }, async (sql) => {
        expect(await use(sql, id, call ?? 'issues.list')).toEqual({ refusal });
        expect(await traces(sql)).toEqual([]);
      });
    });
  }
}

const ends = (id: string, when: string) => (sql: Sql) =>
  sql.touched(`update service_credentials set expires_at = ${when} where id = $1`, [id]);
const PAST = `now() - interval '1 second'`;
const USES = ['credential:read', 'credential:execute'];

refuses('credential', {
  'there is none': ['alice', itself, newId()],
  "a colleague's": ['alice', itself, parts.id, 'parts.find'],
  "alice's, as a colleague": ['bob', itself, tracker.id],
  "alice's, as an administrator": ['ada', itself, tracker.id],
  "alice's, as somebody of another tenant": ['mallory', itself, tracker.id],
  "another tenant's": ['alice', itself, exchange.id, 'quotes.latest'],
  "that of alice's twin": ['alice', { given: arrange }, TWIN_ONLY, 'first'],
  "its owner's, as an agent that acts as itself": ['scout', itself, tracker.id],
  'the one that is for it, as an agent that acts as itself': ['scribe', itself, post.id, 'letters.send'],
  'one that is for another agent': ['scout', through.scout, post.id, 'letters.send'],
  'one that is for another agent, through a delegation of everything': [
    'rogue',
    granted('rogue', EVERYTHING),
    post.id,
    'letters.send',
  ],
  'through a delegation that names no credentials': ['scribe', through.scribe, tracker.id],
  'through one that names their use and not the knowledge of them': [
    'scribe',
    granted('scribe', ['credential:execute', 'secret:read']),
    tracker.id,
  ],
  'with a token that names their use and not the knowledge of them': [
    'alice',
    { scopes: ['credential:execute', 'secret:read', 'credential:update'] },
    tracker.id,
  ],
  'with a token that has expired': ['alice', { tokenExpiresAt: new Date(Date.now() - 1) }, tracker.id],
  'as somebody suspended': ['alice', { given: suspend('alice') }, tracker.id],
  'one that is hidden and has expired': ['bob', { given: ends(tracker.id, PAST) }, tracker.id],
  'one that is hidden, for a call that there is not': ['bob', itself, tracker.id, 'fly'],
  'through an expired delegation of the cast': ['late', through.late, tracker.id],
  'through a revoked delegation of the cast': ['rogue', through.rogue, tracker.id],
  'through a delegation of the cast that is limited to a world': ['scout', through.scoutInGarden, tracker.id],
  ...Object.fromEntries(
    Object.entries(REACHES_NOTHING).map(([state, { who, made, after }]): [string, Case] => [
      `through a delegation that ${state}`,
      [who, granted(who, EVERYTHING, after, made), weather.id, 'forecast'],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(DEAD).map(([state, given]): [string, Case] => [
      `through scout, when ${state}`,
      ['scout', { ...through.scout, given }, tracker.id],
    ]),
  ),
});

refuses('authority', {
  'an agent that may know of it': ['scribe', granted('scribe', ['credential:read']), tracker.id],
  'an agent that may know of it and read its secret': ['mimic', through.mimic, exchange.id, 'quotes.latest'],
  'the owner, with a token that does not name the use': [
    'alice',
    { scopes: ['credential:read', 'credential:create', 'credential:update', 'secret:read'] },
    tracker.id,
  ],
  'a sub-agent below one that may not': [
    'scribe',
    granted(
      'scribe',
      USES,
      async (sql) =>
        sql.touched(
          `update delegations set capabilities = '{credential:read}' where id = '${DELEGATIONS.scout.id}'`,
        ),
      { from: 'scout', parent: DELEGATIONS.scout.id },
    ),
    tracker.id,
  ],
  'one that has expired': [
    'scribe',
    granted('scribe', ['credential:read'], ends(tracker.id, PAST)),
    tracker.id,
  ],
  'a call that there is not': ['scribe', granted('scribe', ['credential:read']), tracker.id, 'fly'],
});

refuses('expired', {
  'its end is past': ['alice', { given: ends(tracker.id, PAST) }, tracker.id],
  'its end is this moment': [
    'alice',
    { given: ends(tracker.id, `date_trunc('milliseconds', statement_timestamp())`) },
    tracker.id,
  ],
  'its end is past, through a delegation': [
    'scout',
    { ...through.scout, given: ends(tracker.id, PAST) },
    tracker.id,
  ],
  'its end is past, for a call that there is not': [
    'alice',
    { given: ends(tracker.id, PAST) },
    tracker.id,
    'fly',
  ],
});

const calls = (json: string) => (sql: Sql) =>
  sql.touched(`update service_credentials set calls = '${json}' where id = $1`, [tracker.id]);
refuses('call', {
  'there is none of that name': ['alice', itself, tracker.id, 'fly'],
  'it is of another credential': ['alice', itself, tracker.id, 'forecast'],
  'it is written otherwise': ['alice', itself, tracker.id, 'Issues.list'],
  'it is part of a name': ['alice', itself, tracker.id, 'issues'],
  'it has no name': ['alice', itself, tracker.id, ''],
  'through a delegation': ['scout', through.scout, tracker.id, 'fly'],
  'the credential has no calls': ['alice', { given: calls('[]') }, tracker.id],
  'its calls are none': [
    'alice',
    { given: calls('["issues.list", 1, null, {"x": 1}, ["name"], {"name": null}, {"Name": "issues.list"}]') },
    tracker.id,
  ],
});

refuses('gone', {
  'its secret was deleted': [
    'alice',
    {
      given: (sql) => sql.rows('delete from service_secrets where id = $1', [tracker.id]),
    },
    tracker.id,
  ],
});

test('no call at all is none of its calls', async ({ as }) => {
  expect(await as('alice', itself, (sql) => use(sql, tracker.id, null))).toEqual({ refusal: 'call' });
});

test('without a context and to the server itself there is nothing to use', async ({ as, raw }) => {
  await as('alice', itself, NONE);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await use(sql, tracker.id, 'issues.list')).toEqual({ refusal: 'credential' });
    });
  }
});

test('with a context that somebody made up a use is an error', async ({ raw }) => {
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows(`select set_config('bailiwick.context', 's1|x', true)`);
    expect(await sql.outcome(USE, [tracker.id, 'issues.list', newId()])).toBe('28000');
  });
});

// What is not recorded does not happen: the entry stands before anything leaves.
test('a use that cannot be recorded hands nothing out and is not noted', async ({ as, raw }) => {
  await as('alice', { given: NONE }, async (sql) => {
    expect(await sql.outcome(USE, [tracker.id, 'issues.list', null])).toBe('23502');
    const entry = newId();
    await sql.rows('select bailiwick.audit($1, $2, null, null, null)', [entry, 'memory.read']);
    expect(await sql.outcome(USE, [tracker.id, 'issues.list', entry])).toBe('23505');
    expect(await traces(sql)).toEqual([]);
  });
  await raw(async (sql) => {
    await sql.rows('begin read only');
    await sql.rows('select bailiwick.open($1, $2)', ticket('alice'));
    expect(await sql.outcome(USE, [tracker.id, 'issues.list', newId()])).toBe('25006');
  });
});

const stored = (sql: Sql, id: string) =>
  sql.value('select secret from service_secrets where id = $1 and tenant_id = $2', [id, TENANTS.acme.id]);

for (const [what, who, acting, service, call] of [
  ['its owner in person', 'alice', itself, tracker, 1],
  ['the owner, with a token that names no more', 'alice', { scopes: USES }, post, 0],
  ["an agent, of one that is its owner's alone", 'scout', through.scout, tracker, 0],
  ['an agent, of one that is for it', 'scribe', granted('scribe', USES), post, 0],
  [
    'an agent before its end',
    'scribe',
    granted('scribe', USES, ends(weather.id, `now() + interval '1 minute'`)),
    weather,
    0,
  ],
  [
    'an agent of two hops',
    'scribe',
    granted('scribe', USES, NONE, { from: 'scout', parent: DELEGATIONS.scout.id }),
    weather,
    0,
  ],
] as const) {
  test(`a use by ${what} hands out the envelope and its place, notes it once and records it without either`, async ({
    as,
  }) => {
    const given = async (sql: Sql) => {
      await ('given' in acting ? acting.given : undefined)?.(sql);
      await arrange(sql);
      await allowed(sql);
    };
    await as(who, { ...acting, given }, async (sql) => {
      const before = await sql.value('select statement_timestamp()::timestamptz(3)');
      const entry = newId();
      const answer = await use(sql, service.id, service.calls[call]?.name ?? '', entry);
      const chain = await sql.value('select bailiwick.delegation_chain()');
      const request = await sql.value('select bailiwick.request_id()');
      await sql.client.query('reset role');
      const envelope = await stored(sql, service.id);
      expect(answer).toEqual({
        envelope,
        ownerId: alice.id,
        service: service.service,
        origin: service.origin,
        header: 'authorization',
        prefix: 'Bearer ',
        call: service.calls[call],
        // an owner in person is not in the log of what agents do
        startedId: who === 'alice' ? null : expect.any(String),
      });
      const actor_id = who === 'alice' ? alice.id : AGENTS[who].id;
      expect(
        await sql.rows(
          `select id, last_used_by, last_used_at >= $1 and last_used_at <= clock_timestamp() as now
             from service_credentials where last_used_at is not null or last_used_by is not null`,
          [before],
        ),
      ).toEqual([{ id: service.id, last_used_by: actor_id, now: true }]);
      const entries = await sql.rows(`select * from audit_entries where event = 'service.called'`);
      expect(entries).toEqual([
        {
          ...{ tenant_id: TENANTS.acme.id, id: entry, event: 'service.called' },
          ...{ actor_id, owner_id: alice.id, chain, request_id: request },
          ...{ target_kind: 'service_credential', target_id: service.id },
          detail: { service: service.service, call: service.calls[call]?.name, approval: null },
          policy_checksum: expect.any(String),
          occurred_at: expect.any(Date),
        },
      ]);
      expect(JSON.stringify(entries)).not.toContain(String(envelope));
      expect(JSON.stringify(entries)).not.toMatch(/bwe1|demo-/);
    });
  });
}

test('every use is recorded, also the same one again', async ({ as }) => {
  await as('scout', { ...through.scout, given: allowed }, async (sql) => {
    for (const call of ['issues.list', 'issues.list', 'issues.create']) {
      expect(await use(sql, tracker.id, call)).toMatchObject({ call: { name: call } });
    }
    expect(await traces(sql)).toEqual([
      { trace: 'entry' },
      { trace: 'entry' },
      { trace: 'entry' },
      { trace: 'note' },
    ]);
  });
});

test('an API key uses what its bearer may use', async ({ as, raw, migrate }) => {
  await as('alice', itself, NONE);
  await migrate(arrangeKeys);
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', keyTicket(KEYS.scout.digest));
    expect(await use(sql, post.id, 'letters.send')).toEqual({ refusal: 'credential' });
    expect(await use(sql, tracker.id, 'issues.list')).toMatchObject({ ownerId: alice.id });
  });
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', keyTicket(KEYS.bob.digest));
    expect(await use(sql, tracker.id, 'issues.list')).toEqual({ refusal: 'credential' });
    expect(await use(sql, parts.id, 'parts.find')).toMatchObject({ ownerId: bob.id });
  });
  await migrate((sql) => sql.rows('delete from credentials; delete from issuers'));
});
