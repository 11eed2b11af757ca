// Guarantees of bailiwick.start_session and end_session (prisma/policies/04-tokens.sql; rules D7, D13, D17): a session is started
// by its subject, in person, with a token of an issuer and with nothing else, for no more than that token allows.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { ACTORS, type ActorName, AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../kit/as.ts';
import { test as cast, itself, through } from '../kit/cast.ts';
import { arrangeHung, HUNG, issuedTicket, KEYS, keyTicket, serviceTicket } from './credentials.ts';
import { suspend } from './given.ts';
import { OPEN, test } from './on-stage.ts';

const acme = TENANTS.acme.id;
const THIS = '019a0000-0000-7008-8000-00000000ffff';
const DAY = 86_400;

type Wanted = { capabilities?: readonly (string | null)[] | null; ends?: number | null };
const START = `select bailiwick.start_session($1, 'A browser', $2, statement_timestamp() + make_interval(secs => $3))`;
const wanting = ({ capabilities = ['memory:read'], ends = 600 }: Wanted = {}) => [THIS, capabilities, ends];

type Case = readonly [who: ActorName, acting: Acting, wanted?: Wanted];
const refused: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  authority: {
    'through a delegation': ['scout', through.scout],
    'while suspended': ['alice', { given: suspend('alice') }],
    'by an agent of somebody suspended': ['scout', { given: suspend('alice') }],
    'with a token that has expired': ['alice', { tokenExpiresAt: new Date(Date.now() - 1) }],
  },
  capabilities: {
    'for nothing': ['alice', itself, { capabilities: [] }],
    'for null': ['alice', itself, { capabilities: null }],
    'for null and more': ['alice', itself, { capabilities: ['memory:read', null] }],
    'for more than the token': [
      'alice',
      { scopes: ['memory:read'] },
      { capabilities: ['memory:read', 'memory:create'] },
    ],
  },
  lifetime: {
    'that ends in the past': ['alice', itself, { ends: -1 }],
    'that ends now': ['alice', itself, { ends: 0 }],
    'that never ends': ['alice', itself, { ends: null }],
    'that lives longer than 90 days': ['alice', itself, { ends: 90 * DAY + 1 }],
  },
};
for (const [word, cases] of Object.entries(refused)) {
  for (const [what, [who, acting, wanted]] of Object.entries(cases)) {
    cast(`a session cannot be started ${what} (${word})`, async ({ as }) => {
      await as(who, acting, async (sql) => {
        expect(await sql.value(START, wanting(wanted))).toBe(word);
        await sql.rows('reset role');
        expect(await sql.list('select id from credentials')).toEqual([]);
      });
    });
  }
}

for (const [what, shown] of Object.entries({
  'an API key': () => keyTicket(KEYS.alice.digest),
  'a token on a signing client': () => issuedTicket(HUNG.client.id),
  'a token on another session': () => issuedTicket(HUNG.session.id),
  'the context of the server itself': serviceTicket,
  nothing: undefined,
})) {
  test(`a session cannot be started with ${what}, so that it could not outlive the end of that`, async ({
    stage,
  }) => {
    await stage(async (sql) => {
      if (shown !== undefined) {
        await sql.rows(OPEN, shown());
      }
      expect(await sql.value(START, wanting())).toBe('authority');
    }, arrangeHung);
  });
}

cast('a session is not started with a token that everything was ended of meanwhile', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    await sql.rows('select bailiwick.end_credentials($1)', [USERS.alice.id]);
    expect(await sql.value(START, wanting())).toBe('authority');
  });
});

for (const [whose, who] of Object.entries({ 'a person': 'alice', 'an agent': 'scout' } as const)) {
  cast(
    `a session of ${whose} says truly of whom it is, and shows nothing by which it is known`,
    async ({ as }) => {
      const requestId = newId<RequestId>();
      await as(who, { requestId, given: async () => undefined }, async (sql) => {
        const wanted = { capabilities: ['memory:read', 'memory:create'], ends: 90 * DAY };
        expect(await sql.value(START, wanting(wanted))).toBeNull();
        await sql.rows('reset role');
        expect(
          await sql.rows(
            `select tenant_id, id, owner_id, entity_id, kind, label, hint, digest, public_key, capabilities, pinned_id, replaces_id,
                  revoked_at, created_by, request_id, round(extract(epoch from expires_at - now()) / 86400)::int as days
             from credentials`,
          ),
        ).toEqual([
          {
            tenant_id: acme,
            id: THIS,
            owner_id: USERS.alice.id,
            entity_id: ACTORS[who].id,
            kind: 'session',
            label: 'A browser',
            ...{ hint: null, digest: null, public_key: null, pinned_id: null, replaces_id: null },
            capabilities: wanted.capabilities,
            revoked_at: null,
            created_by: ACTORS[who].id,
            request_id: requestId,
            days: 90,
          },
        ]);
      });
    },
  );
}

const REVOKED = 'select id from credentials where revoked_at is not null';
const END = 'select bailiwick.end_session($1, $2)';
test('nobody but the server itself ends a session by the end of its refresh tokens', async ({ stage }) => {
  for (const shown of [ticket('alice'), ticket('ada'), issuedTicket(HUNG.session.id), undefined]) {
    await stage(async (sql) => {
      if (shown !== undefined) {
        await sql.rows(OPEN, shown);
      }
      expect(await sql.outcome(END, [acme, HUNG.session.id])).toBe('28000');
    }, arrangeHung);
  }
});

test('the server itself ends sessions, of the tenant it says, and neither keys nor clients', async ({
  stage,
}) => {
  const given = async (sql: Sql) => {
    await arrangeHung(sql);
    const keep = `update credentials set revoked_at = '2026-11-01', revoked_by = $1 where id = $2`;
    await sql.rows(keep, [USERS.ada.id, HUNG.agentSession.id]);
  };
  await stage(async (sql) => {
    await sql.rows(OPEN, serviceTicket());
    for (const [tenant, id] of [
      [acme, KEYS.alice.id],
      [acme, HUNG.client.id],
      [acme, HUNG.agentSession.id],
      [TENANTS.globex.id, HUNG.session.id],
      [acme, newId()],
    ]) {
      await sql.rows(END, [tenant, id]);
    }
    await sql.rows('reset role');
    // the one that had ended already keeps when and by whom
    expect(await sql.rows(`${REVOKED.replace('id', 'revoked_by, revoked_at')}`)).toEqual([
      { revoked_by: USERS.ada.id, revoked_at: new Date('2026-11-01') },
    ]);
    await sql.rows('set local role bailiwick_runtime');
    await sql.rows(END, [acme, HUNG.session.id]);
    await sql.rows('reset role');
    expect(await sql.list(REVOKED)).toEqual([HUNG.agentSession.id, HUNG.session.id].sort());
    expect(await sql.value(`select revoked_by from credentials where id = $1`, [HUNG.session.id])).toBe(
      USERS.alice.id,
    );
  }, given);
});

cast('a person ends their own sessions and those of their agents, and nobody else’s', async ({ as }) => {
  const given = arrangeHung;
  const revoke = (id: string) => [`select bailiwick.revoke_key($1) is not null`, [id]] as const;
  expect(await as('bob', { given }, (sql) => sql.value(...revoke(HUNG.session.id)))).toBe(false);
  expect(await as('scout', { given }, (sql) => sql.value(...revoke(HUNG.agentSession.id)))).toBe(false);
  for (const { id } of Object.values(HUNG)) {
    expect(await as('alice', { given }, (sql) => sql.value(...revoke(id)))).toBe(true);
  }
});

cast('whoever ends everything of somebody ends their sessions and clients too', async ({ as }) => {
  await as('alice', { given: arrangeHung }, async (sql) => {
    await sql.rows('select bailiwick.end_credentials($1)', [USERS.alice.id]);
    await sql.rows('select bailiwick.revoke_agent($1)', [AGENTS.scout.id]);
    expect(await sql.list(REVOKED)).toEqual(
      Object.values(HUNG)
        .map(({ id }) => id)
        .sort(),
    );
  });
});

test('a session may start all that the token allows', async ({ stage }) => {
  await stage(async (sql) => {
    await sql.rows(OPEN, ticket('alice'));
    expect(await sql.value(START, wanting({ capabilities: SCOPES }))).toBeNull();
  });
});
