// That the comparison through GraphQL notices what is broken about keys: each fault is put into the policies or the kernel of a
// scratch database, and some answer must differ. That nothing differs without a fault is shown by graphql.long.test.ts; faults
// that only SQL can tell (what a digest opens, when a key was used) are the other half's.

import { expect } from 'vitest';
import { sampleWorlds } from '../../../../src/assurance/generate.ts';
import { noticedBy, rewritten } from './planted.ts';
import { test } from './stage.ts';

const ANYBODY = `
  create or replace function bailiwick.answers_for(c bailiwick.context, entity uuid, ending boolean) returns boolean
  language sql stable parallel restricted as $$
    select exists (select from public.entities e where e.tenant_id = c.tenant_id and e.id = entity and e.kind <> 'world') $$`;
const NOTHING = `
  create or replace function bailiwick.end_keys(c bailiwick.context, entity uuid) returns void
  language sql volatile parallel unsafe as ''`;

test.for([
  [
    'a key that works although it was revoked',
    rewritten('by_credential', 'k.revoked_at is not null', 'false'),
    undefined,
  ],
  [
    'a key that works although it has expired',
    rewritten('by_credential', '(k.expires_at > statement_timestamp())', 'true'),
    undefined,
  ],
  [
    'a key that works without the delegation to which it is bound',
    rewritten('by_credential', 'k.pinned_id is not null', 'false'),
    undefined,
  ],
  [
    'a token of our own that works although it was revoked',
    rewritten('by_issued', 'if exists', 'if false and exists'),
    undefined,
  ],
  [
    'a token of our own that hangs on an API key',
    rewritten('by_issued', "x.kind <> ''key''", 'true'),
    undefined,
  ],
  [
    'a client or session that is replaced as if it were a key',
    rewritten('rotate_key', "k.kind = ''key''", 'true'),
    'rotateApiKey',
  ],
  [
    'a key that allows more than what it was made with',
    rewritten('key_refusal', '(key_refusal.capabilities <@ c.scopes)', 'true'),
    'createApiKey',
  ],
  [
    'keys that a delegation reaches',
    `alter policy select_own on credentials using (owner_id = (select bailiwick.owner('agent', 'read')))`,
    undefined,
  ],
  ['a key that anybody makes for anybody', ANYBODY, 'createApiKey'],
  [
    'a client that allows more than what it was made with',
    rewritten('key_refusal', '(key_refusal.capabilities <@ c.scopes)', 'true'),
    'registerClient',
  ],
  ['a client that anybody registers for anybody', ANYBODY, 'registerClient'],
  ['a key that anybody replaces', ANYBODY, 'rotateApiKey'],
  ['a key that anybody revokes', ANYBODY, 'revokeCredential'],
  ['credentials that anybody ends', ANYBODY, 'endCredentials'],
  ['an end of credentials that leaves the keys', NOTHING, 'endCredentials'],
  ['a kill switch that leaves the keys', NOTHING, 'revokeAgent'],
] as const)('the comparison notices %s', { timeout: 600_000 }, async ([, fault, mutation], { stage }) => {
  expect(await noticedBy(stage, fault, mutation, sampleWorlds(20261121, 60))).toEqual([mutation ?? 'read']);
});
