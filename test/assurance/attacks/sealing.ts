// Attacks on what is encrypted (P31; D12): values in plain text, under a key of somebody else, or under one that does not count any
// more. Nothing is encrypted here: the database looks at the beginning of a value and at the rows of its keys. Those keys are
// attacked in wrapped.ts.

import { AGENTS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import { insertion, memoryOf } from '../../policies/arrangement.ts';
import {
  arrangeWrapped,
  DATA_KEYS,
  DESTROYED,
  keepDataKey,
  TWINS_ONLY,
  under,
} from '../../policies/wrapped.ts';
import { acme, alice, globex, rows } from './attempted.ts';
import { type Given, through, together } from './hops.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';

const { scout, late } = AGENTS;
const scoutsKey = DATA_KEYS.scout;
export const OWN = under(DATA_KEYS.alice);
const MEMORY = memoryOf('alice');

/** A key of the twin's, which has no counterpart here. */
const twinsKey: Given = together(
  (sql) => sql.rows('set local session_replication_role = replica'),
  (sql) => keepDataKey(sql, { tenant: globex, id: TWINS_ONLY, holder: alice, owner: alice, version: 19 }),
  (sql) => sql.rows('set local session_replication_role = origin'),
);
export const given = together(arrangeWrapped, twinsKey);

export const seals = (expect: boolean, text: string | null, holder: string = alice): Step =>
  step('select bailiwick.seals($1, $2)', String(expect), [text, holder]);
const keeps = (expect: string | number, text: string, owner = alice): Step => {
  const row = { tenant_id: acme, id: newId(), owner_id: owner, sensitive: true, tags: [] };
  const { text: sql, values } = insertion('memories', {
    ...row,
    content: text,
    metadata: JSON.stringify(text),
  });
  return step(sql, expect, values);
};
const half = (expect: string | number, content: string, metadata: string): Step[] => {
  const row = { tenant_id: acme, id: newId(), owner_id: alice, sensitive: true, tags: [] };
  const made = insertion('memories', { ...row, content, metadata: JSON.stringify(metadata) });
  const set = `update memories set sensitive = true, content = $1, metadata = to_jsonb($2::text) where id = $3`;
  return [step(made.text, expect, made.values), step(set, expect, [content, metadata, MEMORY])];
};
const tells = (
  expect: string | number,
  system: string | null,
  own: string | null,
  agent: string = scout.id,
): Step =>
  step(`update agent_instructions set system_prompt = $1, private_instructions = $2 where id = $3`, expect, [
    system,
    own,
    agent,
  ]);
/** To an agent that was told nothing yet. */
const instructs = (expect: string | number, system: string | null, own: string | null): Step => {
  const row = { tenant_id: acme, id: late.id, owner_id: alice };
  const { text, values } = insertion('agent_instructions', {
    ...row,
    system_prompt: system,
    private_instructions: own,
  });
  return step(text, expect, values);
};

const VALUES: Readonly<Record<string, readonly [gain: string, text: string]>> = {
  'in plain text': ['confidences that lie open in every backup', 'Dr. Iyer prefers the telephone.'],
  'in another format': ['a value that no program opens, and none recognises', OWN.replace('bwe1', 'bwe2')],
  'under a key in capitals': [
    'one value in two spellings, of which a rotation finds one',
    under(DATA_KEYS.alice.toUpperCase()),
  ],
  'under a colleague’s key': ['what the owner keeps is lost to her and open to him', under(DATA_KEYS.bob)],
  'under the key of an agent': ['what the owner keeps is open to the agent', under(scoutsKey)],
  'under the key of a twin in another tenant': ['values that another customer can read', under(TWINS_ONLY)],
  'under a key that was destroyed': ['what is forgotten goes on being written', under(DESTROYED)],
  'under a key that nobody has': ['a value that nobody opens, where something stood', under(newId())],
};

const writing: SqlAttack[] = Object.entries(VALUES).flatMap(([what, [gain, text]]): SqlAttack[] => [
  {
    ...rows,
    name: `keeping a secret ${what}`,
    gain,
    rule: 'P31',
    given,
    steps: [
      open('alice'),
      seals(false, text),
      keeps('42501', text),
      ...half('42501', text, OWN),
      ...half('42501', OWN, text),
    ],
  },
  {
    ...rows,
    name: `instructing an agent ${what}`,
    gain,
    rule: 'P31',
    given,
    // of the values above, one is under the agent's own key
    steps: [
      open('alice'),
      ...[text.includes(scoutsKey.replaceAll('-', '')) ? OWN : text].flatMap((value) => [
        tells('42501', value, null),
        tells('42501', null, value),
        tells('42501', under(scoutsKey), value),
        tells('42501', value, under(scoutsKey)),
        instructs('42501', value, null),
        instructs('42501', null, value),
        instructs('42501', under(DATA_KEYS.late), value),
        instructs('42501', value, under(DATA_KEYS.late)),
      ]),
    ],
  },
]);

/** A key that was destroyed while the transaction was open. */
const ended: SqlAttack[] = [
  {
    ...rows,
    name: 'going on under a key that was destroyed, in a transaction held open',
    gain: 'what is forgotten goes on being written for as long as a transaction can be held',
    rule: 'D12 P31',
    given,
    changes: true,
    steps: [
      open('alice'),
      keeps(1, OWN),
      aside('update data_keys set wrapped = null, destroyed_at = clock_timestamp() where id = $1', 1, [
        DATA_KEYS.alice,
      ]),
      seals(false, OWN),
      keeps('42501', OWN),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'what is under a key of its holder is kept, also under one that was replaced',
    gain: 'nothing could be encrypted, or nothing while keys are replaced',
    rule: 'P31',
    given: together(given, (sql) =>
      sql.rows(
        `update data_keys set retired_at = statement_timestamp() - interval '1 day' where id = any ($1)`,
        [[DATA_KEYS.alice]],
      ),
    ),
    steps: [
      open('alice'),
      seals(true, OWN),
      seals(true, null),
      keeps(1, OWN),
      ...half(1, OWN, OWN),
      step(`update memories set sensitive = false, content = 'Plain.', metadata = '{}' where id = $1`, 1, [
        MEMORY,
      ]),
      tells(1, under(scoutsKey), under(scoutsKey)),
      tells(1, null, null),
      instructs(1, under(DATA_KEYS.late), null),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'an agent keeps its own secrets under its own key, and its owner’s under hers',
    gain: 'agents could keep nothing confidential',
    rule: 'P31',
    given,
    steps: [
      open('scout', through.scout),
      keeps(1, OWN),
      keeps('42501', under(scoutsKey)),
      seals(true, under(scoutsKey), scout.id),
    ],
  },
];

export const SEALING: readonly SqlAttack[] = [...writing, ...ended];
