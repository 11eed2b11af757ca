// Attacks on what the kernel keeps to itself (S1, S6, S9, S10): its inner functions, its keys, its code. Whoever can call, read or
// replace one of them needs no seal.

import { open, type SqlAttack, step } from './stage.ts';

const context = { group: 'sealed context' } as const;

// Each of these would hand out a key, the means to make a seal, or an answer about somebody else's authority.
const INNER = [
  'select bailiwick.sealed()',
  `select bailiwick.mac('a', 'seal', 'b')`,
  `select bailiwick.verify('a', 'seal', 'b', 'c')`,
  `select bailiwick.install_key('mine', 'ticket', '\\x00')`,
  'select bailiwick.ensure_seal_key()',
  'select bailiwick.transaction_identity()',
  'select bailiwick.holds(null, null)',
  'select bailiwick.administers(null)',
  'select bailiwick.live_hops(null, null)',
  'select bailiwick.in_good_standing(null, null)',
  'select bailiwick.resolve_chain(null, null)',
  `select bailiwick.check_actors(null, '{}')`,
  'select bailiwick.may_end(null, null)',
  `select bailiwick.by_token('{}')`,
  `select bailiwick.by_key('{}')`,
  `select bailiwick.by_issued('{}')`,
  `select bailiwick.by_credential(null, '{}')`,
  `select bailiwick.by_service('{"service": "identity"}')`,
  `select bailiwick.mark_of_token('x')`,
  'select bailiwick.proof_id(null)',
  `select bailiwick.serve('x')`,
  'select bailiwick.answers_for(null, null, true)',
  'select bailiwick.end_keys(null, null)',
  'select bailiwick.still_proven(null)',
  `select bailiwick.judge(null, null, '{}', 'mail', 'messages.send', null)`,
  `select bailiwick.judged(null, 'mail', 'messages.send')`,
  'select bailiwick.agents_of(null)',
  `select bailiwick.redeem(null, null, 'mail', 'messages.send', 'x')`,
  `select bailiwick.establish('x', 'x')`,
  'select bailiwick.viewed(null, null)',
  `select bailiwick.note(null, 'mail', 'messages.send', null, 'allowed', null)`,
  'select bailiwick.new_id()',
  'select bailiwick.is_recent(null)',
  'select bailiwick.expire(1)',
  `select bailiwick.months_of('pg_class')`,
  `select bailiwick.ensure_partitions('pg_class', 1)`,
  'select bailiwick.drop_activity_partitions()',
  `select bailiwick.announce(null, 'memory.created', 'memory', null, null)`,
  'select bailiwick.personal()',
  'select bailiwick.well_formed(null)',
  'select bailiwick.delegable()',
  'select bailiwick.by_itself()',
  `select bailiwick.stands_in_world('memory:read')`,
  `select bailiwick.refuse('x')`,
];

const KEYS: Readonly<Record<string, string>> = {
  'read the keys': 'table bailiwick.context_key',
  'read the pads of the keys': 'select inner_pad, outer_pad from bailiwick.context_key',
  'add a key': `insert into bailiwick.context_key (kid, purpose, inner_pad, outer_pad) values ('mine', 'seal', '\\x00', '\\x00')`,
  'bring a retired key back': 'update bailiwick.context_key set active = true',
  'remove the keys': 'delete from bailiwick.context_key',
  'read what has happened to others': 'table bailiwick.events',
  'read what refresh tokens stand for': 'table bailiwick.refresh_tokens',
  'read the keys that sign tokens': 'table bailiwick.signing_keys',
  'read which tokens were revoked': 'table bailiwick.spent',
  'add a key that signs tokens': `insert into bailiwick.signing_keys (kid, algorithm, public_key, private_key, active_at, predecessor) values ('mine', 'ES256', '{}', '', now(), '')`,
  'have a revoked token count again': 'delete from bailiwick.spent',
  'use up a refresh token, or make one': 'update bailiwick.refresh_tokens set used_at = null',
  'read which policies are in force': 'table bailiwick.policy_state',
  'say that other policies are in force': `update bailiwick.policy_state set checksum = ''`,
};

const MAKE: Readonly<Record<string, string>> = {
  'replace a function of the kernel': `create or replace function bailiwick.verify(kid text, purpose text, message text, mac text) returns boolean language sql as 'select true'`,
  'add a function to the kernel': `create function bailiwick.mine() returns int language sql as 'select 1'`,
  'add a function beside the tables': `create function public.mine() returns int language sql as 'select 1'`,
  'shadow a table with a temporary one': 'create temporary table memories (id uuid)',
  'shadow a function of PostgreSQL':
    'create function pg_temp.sha256(bytea) returns bytea language sql as $$ select $1 $$',
  'become the kernel': 'set local role bailiwick_kernel',
  'become the migrator': 'set local role bailiwick_migrator',
  'let oneself call the kernel': 'grant execute on function bailiwick.sealed() to bailiwick_runtime',
  'hand oneself the kernel': 'alter function bailiwick.sealed() owner to bailiwick_runtime',
};

export const SURFACE: readonly SqlAttack[] = [
  ...INNER.map(
    (text): SqlAttack => ({
      ...context,
      name: `calling ${text.slice(7)}`,
      gain: 'a word of the kernel about any authority, or the means to sign one',
      rule: 'S9',
      steps: [open('alice'), step(text, '42501')],
    }),
  ),
  ...Object.entries(KEYS).map(
    ([what, text]): SqlAttack => ({
      ...context,
      name: `trying to ${what}`,
      gain: 'the means to forge tickets and seals for everybody, or to hide it',
      rule: 'S1 S9 S10 S13',
      steps: [open('alice'), step(text, '42501')],
    }),
  ),
  ...Object.entries(MAKE).map(
    ([what, text]): SqlAttack => ({
      ...context,
      name: `trying to ${what}`,
      gain: 'code of one’s own with the rights of the kernel, or in its place',
      rule: 'S6 S9 S10 P24 P39',
      steps: [open('alice'), step(text, '42501')],
    }),
  ),
];
