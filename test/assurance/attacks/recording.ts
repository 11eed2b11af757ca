// Attacks on the record of it all (bailiwick.audit, prisma/policies/80-audit.sql, D27): read, written around, emptied, or made to
// name somebody else.

import { policyChecksum } from '../../../src/db/policies.ts';
import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId, type RequestId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { aside, open, type SqlAttack, step } from './stage.ts';
import { timelyId } from './timely.ts';

const SCOUT = DELEGATIONS.scout.id;

const SCRIBE = DELEGATIONS.scribe.id;

const asScribe: Acting = { delegation: SCRIBE };

const RECORD = 'select bailiwick.audit($1, $2, $3, $4, $5) is not null';

const ENTRY = timelyId();

const REQUEST = newId<RequestId>();

const MINUTE = 60_000;

const log = { group: 'row security', gain: 'a log that is silent, or says what never was' } as const;

const TAMPERING: Readonly<Record<string, string>> = {
  'reading the log': 'select from audit_entries',
  'reading a column of the log': 'select event from audit_entries',
  'writing the log directly': `insert into audit_entries (tenant_id, id, event, actor_id, owner_id, request_id, policy_checksum)
    select tenant_id, id, 'forged.event', id, id, id, '' from tenants`,
  'changing the log': `update audit_entries set event = 'forged.event'`,
  'removing from the log': 'delete from audit_entries',
  'emptying the log': 'truncate audit_entries',
};

export const RECORDING: readonly SqlAttack[] = [
  ...Object.entries(TAMPERING).flatMap(([what, text]) =>
    (['alice', 'ada'] as const).map(
      (who): SqlAttack => ({
        ...log,
        name: `${what}, as ${who}`,
        rule: 'D27',
        steps: [open(who), step(text, '42501')],
      }),
    ),
  ),
  {
    ...log,
    name: 'recording in nobody’s name',
    rule: 'D27',
    steps: [step(RECORD, '28000', [ENTRY, 'memory.deleted', null, null, null])],
  },
  ...Object.entries({
    '': '23514',
    memory: '23514',
    'Memory.Deleted': '23514',
    'memory.deleted ': '23514',
    "x'; --": '23514',
  }).map(
    ([event, sqlstate]): SqlAttack => ({
      ...log,
      name: `recording an event called '${event}'`,
      rule: 'D27',
      steps: [open('alice'), step(RECORD, sqlstate, [ENTRY, event, null, null, null])],
    }),
  ),
  ...Object.entries({
    'into a month that is over, or nearly': [6 * MINUTE, '22023'],
    'ahead of everything that will happen': [-6 * MINUTE, '22023'],
  } as const).map(
    ([what, [age, sqlstate]]): SqlAttack => ({
      ...log,
      name: `recording ${what}`,
      rule: 'D27',
      steps: [
        open('alice'),
        step(RECORD, sqlstate, [timelyId(age), 'memory.deleted', null, null, null]),
        step(RECORD, '23502', [null, 'memory.deleted', null, null, null]),
      ],
    }),
  ),
  {
    ...log,
    control: true,
    name: 'what was recorded a moment ago, by a clock that is late, is recorded',
    rule: 'D27',
    steps: [
      open('alice'),
      step(RECORD, 'true', [timelyId(4 * MINUTE), 'memory.deleted', null, null, null]),
      step(RECORD, 'true', [timelyId(-4 * MINUTE), 'memory.deleted', null, null, null]),
    ],
  },
  {
    ...log,
    name: 'recording over an entry that is there',
    rule: 'D27',
    changes: true,
    steps: [
      open('alice'),
      step(RECORD, 'true', [ENTRY, 'memory.deleted', null, null, null]),
      step(RECORD, '23505', [ENTRY, 'memory.created', null, null, null]),
    ],
  },
  {
    ...log,
    control: true,
    name: 'an entry says who did it, for whom, through what, in which request and under which policies',
    rule: 'D27 D23',
    steps: [
      open('scribe', { ...asScribe, requestId: REQUEST }),
      step(RECORD, 'true', [ENTRY, 'memory.read', 'memory', SCOUT, '{"a": 1}']),
      aside(
        `select row(tenant_id, actor_id, owner_id, chain, request_id, event, target_kind, target_id, detail, policy_checksum)::text from audit_entries where id = $1`,
        `(${[TENANTS.acme.id, AGENTS.scribe.id, USERS.alice.id, `"{${SCOUT},${SCRIBE}}"`, REQUEST, 'memory.read', 'memory', SCOUT, '"{""a"": 1}"', policyChecksum()].join(',')})`,
        [ENTRY],
      ),
    ],
  },
  {
    ...log,
    control: true,
    name: 'a refusal is recorded in the name of whoever was refused, though the chain is dead',
    rule: 'D27',
    steps: [
      open('rogue', { delegation: DELEGATIONS.rogue.id }),
      step(RECORD, 'true', [ENTRY, 'memory.refused', null, null, null]),
      aside(
        'select row(actor_id, owner_id, chain, detail)::text from audit_entries where id = $1',
        `(${AGENTS.rogue.id},${USERS.alice.id},{${DELEGATIONS.rogue.id}},{})`,
        [ENTRY],
      ),
    ],
  },
];
