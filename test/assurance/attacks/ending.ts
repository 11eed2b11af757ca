// Attacks on ending (revoke_delegation, narrow_delegation, revoke_agent; D15, D16, D18, D26): by whom it does not concern; brought
// back, lengthened, blamed on somebody else. Whoever may not end it learns nothing of it.

import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting, Sql } from '../../kit/as.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { set, together } from './hops.ts';
import { aside, open, type SqlAttack, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const SCOUT = DELEGATIONS.scout.id;

const SCRIBE = DELEGATIONS.scribe.id;

const globex = TENANTS.globex.id;

const REVOKE = 'select bailiwick.revoke_delegation($1) is not null';

const NARROW = 'select bailiwick.narrow_delegation($1, now() + $2::interval) is not null';

const KILL = 'select cardinality(bailiwick.revoke_agent($1))';

const ending = {
  group: 'delegation',
  gain: 'owners and their agents are stopped by whom it does not concern',
} as const;

const asScout: Acting = { delegation: SCOUT };

const asScribe: Acting = { delegation: SCRIBE };

const strangerAdmin = (sql: Sql) =>
  sql.rows(`update users set role = 'admin' where id = $1`, [USERS.mallory.id]);

type Case = readonly [rule: string, who: ActorName, acting: Acting, target: string];

const refused: Readonly<Record<string, Case>> = {
  'of the hop above, through the one below': ['D16', 'scribe', asScribe, SCOUT],
  'of the hop above, as the agent below itself': ['D16', 'scribe', {}, SCOUT],
  'of an agent beside': ['D16', 'late', {}, SCOUT],
  'of a hop beside': ['D16', 'late', {}, SCRIBE],
  'of a colleague': ['D16', 'bob', {}, SCOUT],
  'of a colleague, through one’s own': ['D16', 'bobot', { delegation: DELEGATIONS.bobot.id }, SCOUT],
  'of another tenant': ['D3 D16', 'mallory', {}, SCOUT],
  'of another tenant, through one’s own': ['D3 D16', 'mimic', { delegation: DELEGATIONS.mimic.id }, SCOUT],
  'of another tenant, as administrator': ['D3 D16', 'mallory', { given: strangerAdmin }, SCOUT],
  'of the tenant, with a token that is not for administering': [
    'D16',
    'ada',
    { scopes: ['delegation:read', 'delegation:update'] },
    SCOUT,
  ],
  'of the tenant, with a token that is not for ending': [
    'D16',
    'ada',
    { scopes: ['tenant:administer'] },
    SCOUT,
  ],
  'of one’s own, with a token that is not for ending': [
    'D16',
    'alice',
    { scopes: ['delegation:read', 'delegation:create'] },
    SCOUT,
  ],
  'of one’s own, suspended': ['D16 D19', 'alice', { given: suspend('alice') }, SCOUT],
  'that one holds, suspended': ['D16 D19', 'scout', { given: suspend('scout') }, SCOUT],
  'below one that is revoked': [
    'D16 D17',
    'scout',
    { ...asScout, given: DEAD['the delegation is revoked'] },
    SCRIBE,
  ],
  'through itself, when it has expired': [
    'D16 D17',
    'late',
    { delegation: DELEGATIONS.late.id },
    DELEGATIONS.late.id,
  ],
  'that is not there': ['D26', 'alice', {}, newId()],
  'of another owner, as the agent that granted below it': [
    'D16',
    'bobot',
    {
      delegation: DELEGATIONS.bobot.id,
      given: unchecked(
        'update delegations set delegator_id = $1, depth = 2, parent_id = $2 where id = $3',
        AGENTS.bobot.id,
        SCOUT,
        SCRIBE,
      ),
    },
    SCRIBE,
  ],
  'of a hop whose upper one stands in another tenant only': [
    'D3 D16',
    'alice',
    {
      given: together(
        twins,
        unchecked('delete from delegations where tenant_id = $1 and id = $2', TENANTS.acme.id, SCOUT),
      ),
    },
    SCRIBE,
  ],
  'that stands in another tenant only': [
    'D3',
    'alice',
    {
      given: together(
        twins,
        unchecked('delete from delegations where tenant_id = $1 and id = $2', TENANTS.acme.id, SCOUT),
      ),
    },
    SCOUT,
  ],
};

const allowed: Readonly<Record<string, Case>> = {
  'by its delegator': ['D16', 'alice', {}, SCOUT],
  'by the owner, two hops above': ['D16', 'alice', {}, SCRIBE],
  'by the agent that granted it, through its own': ['D16', 'scout', asScout, SCRIBE],
  'by the agent that granted it, as itself': ['D16', 'scout', {}, SCRIBE],
  'by its delegate through it': ['D16', 'scribe', asScribe, SCRIBE],
  'by its delegate as itself': ['D16', 'scout', {}, SCOUT],
  'by its delegate, when it has expired': ['D16', 'late', {}, DELEGATIONS.late.id],
  'by the administrator': ['D16', 'ada', {}, SCOUT],
};

const cannotKill: Readonly<
  Record<string, readonly [rule: string, who: ActorName, acting: Acting, agent: string]>
> = {
  'a colleague’s agent': ['D16', 'bob', {}, AGENTS.scout.id],
  'an agent of another tenant': ['D3', 'mallory', {}, AGENTS.scout.id],
  'an agent of another tenant, as administrator': [
    'D3',
    'mallory',
    { given: strangerAdmin },
    AGENTS.scout.id,
  ],
  'an agent whose twin is one’s own': [
    'D3',
    'alice',
    {
      given: together(
        twins,
        unchecked(
          'update entities set owner_id = $1 where tenant_id = $2 and id = $3',
          USERS.bob.id,
          TENANTS.acme.id,
          AGENTS.scout.id,
        ),
      ),
    },
    AGENTS.scout.id,
  ],
  'itself, as an agent': ['D16', 'scout', {}, AGENTS.scout.id],
  'itself, in the name of its owner': ['D16', 'scout', asScout, AGENTS.scout.id],
  'another agent of the owner': ['D16', 'late', {}, AGENTS.scout.id],
  'another agent, in the name of the owner': ['D16', 'scout', asScout, AGENTS.scribe.id],
  'one’s own agent, with a token that is not for ending': [
    'D16',
    'alice',
    { scopes: ['delegation:read'] },
    AGENTS.scout.id,
  ],
  'one’s own agent, suspended': ['D19', 'alice', { given: suspend('alice') }, AGENTS.scout.id],
  'oneself, who is no agent': ['D16', 'alice', {}, USERS.alice.id],
  'a world, which is no agent': ['D16', 'alice', {}, WORLDS.garden.id],
  nobody: ['D26', 'alice', {}, newId()],
};

const given = ({ given: before }: Acting) => before && { given: before };

const expiry = `select extract(epoch from expires_at - now())::int from delegations where id = '${SCOUT}' and tenant_id = '${TENANTS.acme.id}'`;

const final: SqlAttack[] = [
  {
    ...ending,
    name: 'bringing back a delegation that was revoked',
    gain: 'an agent that was stopped goes on',
    rule: 'D15 D18',
    changes: true,
    steps: [
      open('alice'),
      step(REVOKE, 'true', [SCOUT]),
      step('update delegations set revoked_at = null, revoked_by = null', '42501'),
      step(NARROW, 'true', [SCOUT, '60 days']),
      step(`select revoked_at is not null and revoked_by = $2 from delegations where id = $1`, 'true', [
        SCOUT,
        USERS.alice.id,
      ]),
    ],
  },
  {
    ...ending,
    name: 'lengthening a delegation with the call that shortens',
    gain: 'authority that outlives what was granted',
    rule: 'D15',
    changes: true,
    given: set('delegations', SCOUT, `created_at = now(), expires_at = now() + interval '30 days'`),
    steps: [open('alice'), step(NARROW, 'true', [SCOUT, '60 days']), step(expiry, 30 * 86_400)],
  },
  {
    ...ending,
    name: 'shortening a delegation to before it begins',
    gain: 'a row that says it never was',
    rule: 'D15',
    steps: [open('alice'), step(NARROW, 'false', [SCOUT, '-1 day'])],
  },
  {
    ...ending,
    name: 'shortening without saying until when',
    gain: 'a row without an end',
    rule: 'D15',
    steps: [
      open('alice'),
      step('select bailiwick.narrow_delegation($1, null) is not null', 'false', [SCOUT]),
    ],
  },
  {
    ...ending,
    name: 'revoking again, to take the blame away or to move the time',
    gain: 'a record that names somebody else',
    rule: 'D15 D18',
    given: set(
      'delegations',
      SCOUT,
      `not_before = now() - interval '2 hours', revoked_at = now() - interval '1 hour', revoked_by = owner_id`,
    ),
    steps: [
      open('ada'),
      step(REVOKE, 'true', [SCOUT]),
      step('select cardinality(bailiwick.revoke_agent($1))', 1, [AGENTS.scout.id]),
      step(
        `select revoked_by = owner_id and revoked_at < now() - interval '59 minutes' from delegations where id = $1`,
        'true',
        [SCOUT],
      ),
    ],
    changes: true,
  },
  {
    ...ending,
    name: 'ending the twin in another tenant along with one’s own',
    rule: 'D3',
    given: twins,
    changes: true,
    steps: [
      open('alice'),
      step(NARROW, 'true', [SCOUT, '1 hour']),
      step(REVOKE, 'true', [SCOUT]),
      step(KILL, 1, [AGENTS.scout.id]),
      aside(
        `select count(*)::int from delegations where tenant_id = $1 and delegate_id = $2 and revoked_at is null and expires_at > now() + interval '2 hours'`,
        2,
        [globex, AGENTS.scout.id],
      ),
    ],
  },
  {
    ...ending,
    control: true,
    gain: 'an agent could not be stopped',
    name: 'an expiry moves to an earlier time, and stays there',
    rule: 'D15',
    steps: [
      open('alice'),
      step(NARROW, 'true', [SCOUT, '1 hour']),
      step(expiry, 3600),
      step(NARROW, 'true', [SCOUT, '2 hours']),
      step(expiry, 3600),
    ],
  },
  ...(['alice', 'ada'] as const).map(
    (who): SqlAttack => ({
      ...ending,
      control: true,
      name: `${who} stops scout: all that it holds, and nothing else`,
      gain: 'nobody could stop an agent',
      rule: 'D16 D17',
      steps: [
        open(who),
        step(KILL, 2, [AGENTS.scout.id]),
        step(KILL, 0, [AGENTS.scout.id]),
        aside(
          'select count(*)::int from delegations where revoked_by = $1 and revoked_at is not null',
          who === 'ada' ? 2 : 3,
          [USERS[who].id],
        ),
        aside('select count(*)::int from delegations where revoked_at is not null', 3),
      ],
    }),
  ),
];

export const ENDING: readonly SqlAttack[] = [
  ...Object.entries(refused).map(
    ([what, [rule, who, acting, target]]): SqlAttack => ({
      ...ending,
      name: `ending a delegation ${what}`,
      rule,
      ...given(acting),
      steps: [
        open(who, acting),
        step(REVOKE, 'false', [target]),
        step(NARROW, 'false', [target, '1 minute']),
      ],
    }),
  ),
  ...Object.entries(allowed).map(
    ([what, [rule, who, acting, target]]): SqlAttack => ({
      ...ending,
      control: true,
      name: `a delegation is ended ${what}`,
      gain: 'an agent could not be stopped',
      rule,
      ...given(acting),
      steps: [open(who, acting), step(REVOKE, 'true', [target])],
    }),
  ),
  ...Object.entries(cannotKill).map(
    ([what, [rule, who, acting, agent]]): SqlAttack => ({
      ...ending,
      name: `the kill switch on ${what}`,
      rule,
      ...given(acting),
      steps: [open(who, acting), step('select bailiwick.revoke_agent($1)', 'null', [agent])],
    }),
  ),
  ...final,
];
