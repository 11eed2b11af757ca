// Tokens that open nothing any more, or nothing here (00-session.sql, by_token): issued before everything was ended, or by an issuer
// that the tenant does not trust. What else a ticket must be stands in session-tickets.test.ts.

import { expect } from 'vitest';
import { ACTORS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { ISSUER, type Sql, ticket } from '../kit/as.ts';
import { insert } from './arrangement.ts';
import { ISSUERS, signedTicket } from './credentials.ts';
import { OPEN, test } from './on-stage.ts';

const acme = TENANTS.acme.id;
const FROM = 1_800_000_000;
const epoch = (sql: Sql) =>
  sql.rows(`update entities set credential_epoch = to_timestamp($1) where tenant_id = $2 and id = $3`, [
    FROM,
    acme,
    USERS.alice.id,
  ]);
test('a token issued before everything was ended, in the same second or at no time opens nothing; a later one does', async ({
  stage,
}) => {
  const alice = {
    tenant: 'acme',
    issuer: ISSUER,
    subject: 'alice',
    scopes: ['memory:read'],
    token_expires_at: 2e9,
  };
  for (const [issued_at, outcome] of [
    [FROM - 86_400, '28000'],
    [FROM - 1, '28000'],
    [FROM, '28000'],
    [undefined, '28000'],
    [FROM + 1, '1'],
  ] as const) {
    await stage(async (sql) => {
      expect(await sql.outcome(OPEN, signedTicket({ ...alice, issued_at })), String(issued_at)).toBe(outcome);
    }, epoch);
  }
  await stage(async (sql) => {
    expect(await sql.outcome(OPEN, ticket('bob'))).toBe('1');
  }, epoch);
});

test("a token of a tenant's own issuer opens only where that tenant trusts it now", async ({ stage }) => {
  const own = { tenant: 'acme', issuer: ISSUERS.acme.issuer, subject: 'sso-1', scopes: ['memory:read'] };
  const shown = { ...own, token_expires_at: Date.now() / 1000 + 600, issued_at: Date.now() / 1000 };
  const given = (sql: Sql) =>
    insert(sql, 'identities', {
      tenant_id: acme,
      id: newId(),
      entity_id: ACTORS.alice.id,
      issuer: own.issuer,
      subject: own.subject,
    });
  const suspended = async (sql: Sql) => {
    await given(sql);
    await sql.rows(`update issuers set status = 'suspended' where id = $1`, [ISSUERS.acme.id]);
  };
  for (const [issuer_id, before, outcome] of [
    [ISSUERS.acme.id, given, '1'],
    [ISSUERS.globex.id, given, '28000'],
    [newId(), given, '28000'],
    [ISSUERS.acme.id, suspended, '28000'],
  ] as const) {
    await stage(async (sql) => {
      expect(await sql.outcome(OPEN, signedTicket({ ...shown, issuer_id }))).toBe(outcome);
    }, before);
  }
  await stage(async (sql) => {
    // trusted by the tenant, but not the issuer of this token
    const other = { ...shown, issuer: ISSUER, subject: 'alice', issuer_id: ISSUERS.acme.id };
    expect(await sql.outcome(OPEN, signedTicket(other))).toBe('28000');
  });
});
