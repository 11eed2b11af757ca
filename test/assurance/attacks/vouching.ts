// Attacks on opening as the server itself, by a tenant's own issuer, with tokens from before everything was ended, and with
// tokens that name others as having acted before (bailiwick.by_service, by_token, check_actors; S3, D3, D6, JWT issuer, JWT
// time, JWT act): services that do not exist, issuers that are not trusted, actors who are not in the chain.

import { TABLES } from '../../../src/assurance/rows.ts';
import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../../src/ids.ts';
import { ISSUER, type Sql, ticket } from '../../kit/as.ts';
import { insert } from '../../policies/arrangement.ts';
import {
  arrangeKeys,
  ISSUERS,
  issuedTicket,
  KEYS,
  keyTicket,
  makeKey,
  serviceTicket,
  signedTicket,
} from '../../policies/credentials.ts';
import { claiming, opensNothing } from './forging.ts';
import { asLower, type Given, pair, reads, SCRIBE, together } from './hops.ts';
import { opened, type SqlAttack, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
const SCOUT = DELEGATIONS.scout.id;
const context = { group: 'sealed context', gain: 'a context in the name of any subject' } as const;

const server = { ...context, gain: 'what the server alone may see, or work in nobody’s name' } as const;
const services: SqlAttack[] = [
  ...['', 'Identity', 'identity ', 'audit'].map(
    (service): SqlAttack => ({
      ...server,
      name: `opening as the service '${service}'`,
      rule: 'S3',
      steps: opensNothing(() => signedTicket({ service })),
    }),
  ),
  ...Object.entries({
    'for somebody': { on_behalf_of: 'alice', issuer: ISSUER },
    'under a delegation': { delegation: SCOUT },
    'without a request': { request_id: undefined },
  }).map(
    ([what, more]): SqlAttack => ({
      ...server,
      name: `opening as the server itself, ${what}`,
      rule: 'S3 D6',
      steps: opensNothing(() => signedTicket({ service: 'identity', ...more })),
    }),
  ),
  {
    ...server,
    name: 'reading or doing anything as the server itself',
    rule: 'S3 S5',
    given: arrangeKeys,
    steps: [
      opened(serviceTicket, 'true'),
      ...TABLES.filter((table) => table !== 'issuers').map((table) => step(`select from ${table}`, 0)),
      ...['tenant_id()', 'actor_id()', 'describe()', 'administered_tenant()', `owner('memory', 'read')`].map(
        (call) => step(`select bailiwick.${call}`, 'null'),
      ),
      step(`select bailiwick.audit($1, 'server.was', null, null, null)`, '28000', [newId()]),
      step('select bailiwick.revoke_agent($1)', 'null', [AGENTS.scout.id]),
      step('select bailiwick.revoke_key($1)', 'null', [KEYS.alice.id]),
      step('select bailiwick.end_credentials($1)', 'null', [alice]),
    ],
  },
  ...Object.entries({
    alice: () => ticket('alice'),
    'an administrator': () => ticket('ada'),
    'an agent through its delegation': () => ticket('scout', { delegation: SCOUT }),
    'the bearer of a key': () => keyTicket(KEYS.alice.digest),
  }).map(
    ([who, make]): SqlAttack => ({
      ...server,
      name: `reading issuers as ${who}`,
      gain: 'with whom each customer logs in, and by which keys',
      rule: 'S3 P2',
      given: arrangeKeys,
      steps: [
        opened(make, 'true'),
        step('select from issuers', 0),
        step(`select bailiwick.serves('identity')`, 'false'),
        step('insert into issuers select * from issuers', '42501'),
        step(`update issuers set status = 'active'`, '42501'),
        step('delete from issuers', '42501'),
      ],
    }),
  ),
  {
    ...server,
    control: true,
    gain: 'no token of a tenant’s own issuer could be verified',
    name: 'the server itself reads the issuers of all tenants',
    rule: 'S3',
    given: arrangeKeys,
    steps: [
      opened(serviceTicket, 'true'),
      step('select from issuers', 2),
      step(`select bailiwick.serves('identity')`, 'true'),
      step(`select bailiwick.serves('audit')`, 'false'),
    ],
  },
];

const sso = (tenant: 'acme' | 'globex', subject = 'sso') => ({ issuer: ISSUERS[tenant].issuer, subject });
/** Alice, as both tenants' issuers call her, in acme. */
const known: Given = async (sql: Sql) => {
  await arrangeKeys(sql);
  for (const issuer of [ISSUERS.acme.issuer, ISSUERS.globex.issuer]) {
    const row = { tenant_id: acme, id: newId(), entity_id: alice, issuer, subject: 'sso' };
    await insert(sql, 'identities', row);
  }
};
const suspended = together(known, (sql) =>
  sql.rows(`update issuers set status = 'suspended' where id = $1`, [ISSUERS.acme.id]),
);
const vouched: Readonly<Record<string, readonly [given: Given, claims: Readonly<Record<string, unknown>>]>> =
  {
    'that another tenant trusts': [known, { ...sso('globex'), issuer_id: ISSUERS.globex.id }],
    'that another tenant trusts, under the id of the own one': [
      known,
      { ...sso('globex'), issuer_id: ISSUERS.acme.id },
    ],
    'that the tenant suspended': [suspended, { ...sso('acme'), issuer_id: ISSUERS.acme.id }],
    'under an id that is not there': [known, { ...sso('acme'), issuer_id: newId() }],
    'of the installation, under the id of the tenant’s': [known, { issuer_id: ISSUERS.acme.id }],
  };
const issuers: SqlAttack[] = [
  ...Object.entries(vouched).map(
    ([what, [given, claims]]): SqlAttack => ({
      ...context,
      name: `a token of an issuer ${what}`,
      gain: 'whoever runs one issuer says who is who in a tenant that does not trust it',
      rule: 'JWT issuer D3',
      given,
      steps: opensNothing(() => claiming(claims)),
    }),
  ),
  {
    ...context,
    control: true,
    gain: 'a tenant could not bring its own issuer',
    name: 'a token of the tenant’s own issuer',
    rule: 'JWT issuer',
    given: known,
    steps: [opened(() => claiming({ ...sso('acme'), issuer_id: ISSUERS.acme.id }), 'true'), reads(7)],
  },
];

const FROM = 1_790_000_000;
const ended =
  (id: string, tenant: string = acme): Given =>
  (sql) =>
    sql.rows('update entities set credential_epoch = to_timestamp($1) where tenant_id = $2 and id = $3', [
      FROM + 0.25,
      tenant,
      id,
    ]);
const earlier = (issued_at: number | undefined) => () => claiming({ issued_at });
const epochs: SqlAttack[] = [
  ...Object.entries({
    'long before': FROM - 86_400,
    'a moment before': FROM - 1,
    'in the same second as': FROM,
    'at nobody knows what time, after': undefined,
  }).map(
    ([when, issued]): SqlAttack => ({
      ...context,
      name: `a token that was issued ${when} everything was ended`,
      gain: 'a stolen token goes on after its owner ended them all',
      rule: 'JWT time D17',
      given: ended(alice),
      steps: opensNothing(earlier(issued)),
    }),
  ),
  {
    ...context,
    name: 'a token from before everything was ended here, though not in another tenant',
    gain: 'a stolen token goes on after its owner ended them all',
    rule: 'D3 JWT time',
    given: together(twins, ended(alice)),
    steps: opensNothing(earlier(FROM - 1)),
  },
  ...Object.entries<Given>({
    'the same person’s tokens in another tenant': together(twins, ended(alice, TENANTS.globex.id)),
    'everybody else’s': (sql) =>
      sql.rows('update entities set credential_epoch = now() where tenant_id = $1 and id <> $2', [
        acme,
        alice,
      ]),
    'her own, before this one was issued': ended(alice),
  }).map(
    ([whose, given]): SqlAttack => ({
      ...context,
      control: true,
      name: `a token that is good, when somebody has ended ${whose}`,
      gain: 'to end the credentials of one would end those of others',
      rule: 'JWT time',
      given,
      steps: [opened(earlier(FROM + 1), 'true'), reads(7)],
    }),
  ),
];

const THIS = newId<KeyId>();
const session: Given = (sql) => makeKey(sql, { id: THIS, for: 'scribe', kind: 'session' });
/** What somebody calls scout. */
const called =
  (subject: string, issuer: string, tenant_id: string = acme): Given =>
  (sql) =>
    insert(sql, 'identities', { tenant_id, id: newId(), entity_id: AGENTS.scout.id, issuer, subject });
/** With a token of the installation's issuer, and with one of our own: scribe, below scout, after whomever. */
const after =
  (...priorActors: string[]) =>
  () =>
    ticket('scribe', { delegation: SCRIBE, priorActors });
const ours =
  (...priorActors: string[]) =>
  () =>
    issuedTicket(THIS, { delegation: SCRIBE, onBehalfOf: alice, priorActors });
const elsewhere = unchecked(
  'update delegations set delegate_id = $1 where tenant_id = $2 and id = $3',
  AGENTS.rogue.id,
  TENANTS.globex.id,
  SCOUT,
);
const acted: Readonly<Record<string, readonly [make: () => readonly [string, string], given?: Given]>> = {
  'by an agent that is not in the chain': [after('rogue')],
  'by an agent of another tenant': [after('mimic')],
  'by the owner': [after('alice')],
  'by who acts now': [after('scribe')],
  'by who stands above, twice': [after('scout', 'scout')],
  'by who stands above, under our own id': [after(AGENTS.scout.id)],
  'by who stands above, as another issuer calls it': [after('alias'), called('alias', ISSUERS.acme.issuer)],
  'by who stands above, as another tenant calls it': [
    after('alias'),
    together(twins, called('alias', ISSUER, TENANTS.globex.id)),
  ],
  'by who stands above in another tenant alone': [after('rogue'), together(twins, elsewhere)],
  'above the only hop': [() => ticket('scout', { delegation: SCOUT, priorActors: ['scout'] })],
  'without a chain': [() => ticket('scout', { priorActors: ['scout'] })],
  'by another agent, in a token of our own': [ours(AGENTS.rogue.id), session],
  'by who stands above, in a token of our own by an issuer’s name': [ours('scout'), session],
};
const actors: SqlAttack[] = [
  ...Object.entries(acted).map(
    ([what, [make, given]]): SqlAttack => ({
      ...context,
      name: `a token that says that somebody acted before: ${what}`,
      gain: 'an agent passes for one that others have sent',
      rule: 'D6 JWT act',
      ...(given && { given }),
      steps: opensNothing(make),
    }),
  ),
  ...Object.entries<readonly [make: () => readonly [string, string], given?: Given]>({
    'says nothing of who acted before': [after()],
    'names who stands above': [after('scout')],
    'of our own names who stands above': [ours(AGENTS.scout.id), session],
    'names who stands above in a chain beside its twin': [
      () => ticket('scribe', { ...asLower, priorActors: ['scout'] }),
      together(pair({}), twins),
    ],
  }).map(
    ([what, [make, given]]): SqlAttack => ({
      ...context,
      control: true,
      name: `a token that ${what}`,
      gain: 'no token could say through whose hands it went',
      rule: 'D6 JWT act',
      ...(given && { given }),
      steps: [opened(make, 'true'), reads(7)],
    }),
  ),
];

export const VOUCHING: readonly SqlAttack[] = [...services, ...issuers, ...epochs, ...actors];
