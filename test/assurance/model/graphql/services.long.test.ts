// Credentials for services through GraphQL, with tokens that make the rights over them differ; and that the comparison notices what is
// broken about them: each fault is put into the policies or the kernel of a scratch database, and some answer must differ. That
// nothing differs without a fault is shown by graphql.long.test.ts too; what a faulty server would send is seen by test/services.

import { expect } from 'vitest';
import { sampleWorlds } from '../../../../src/assurance/generate.ts';
import type { World } from '../../../../src/assurance/world.ts';
import { SCOPES } from '../../../../src/capabilities.ts';
import { explain } from './compare.ts';
import { noticedBy, rewritten } from './planted.ts';
import { play } from './play.ts';
import { OF_SERVICES } from './services.ts';
import { test } from './stage.ts';

/** Worlds in which there is a secret to be had. */
const WORLDS = sampleWorlds(20261122, 240).filter(({ tenants }) =>
  tenants.some((tenant) =>
    tenant.services.some(({ owner }) =>
      tenant.dataKeys.some(({ holder, state }) => holder === `u${owner}` && state === 'live'),
    ),
  ),
);
/** First those in which one is for a single agent, and another agent acts for its owner: there are few. */
const isCrowded = ({ tenants }: World) =>
  tenants.some(({ services, delegations }) =>
    services.some(
      ({ owner, agent }) =>
        agent !== null && delegations.some((one) => one.owner === owner && one.delegate !== agent),
    ),
  );
const CROWDED_FIRST = [...WORLDS.filter(isCrowded), ...WORLDS.filter((world) => !isCrowded(world))];
const FEW = 8;
const RIGHTS = SCOPES.filter((scope) => /^(credential|secret):/.test(scope));

// Most tokens of random worlds allow everything, and the rights over credentials do not contain one another.
test('with tokens that lack one right over credentials each, no answer differs from the model', {
  timeout: 600_000,
}, async ({ stage }) => {
  const tokens = RIGHTS.map((right) => ({ scopes: SCOPES.filter((one) => one !== right), expired: false }));
  let compared = 0;
  for (const [n, world] of WORLDS.slice(0, FEW).entries()) {
    // another right for the same asker each time
    const lacking = { ...world, tokens: [...tokens.slice(n), ...tokens.slice(0, n)] };
    const played = await play(stage, lacking, (_, { field }) => field in OF_SERVICES);
    if (played.differences.length > 0) {
      throw new Error(explain(lacking, played.differences));
    }
    compared += [...played.compared.values()].reduce((sum, answers) => sum + answers, 0);
  }
  expect(compared).toBeGreaterThan(FEW * 100);
});

const policy = (name: string, table: string, to: string) => `alter policy ${name} on ${table} ${to}`;
const using = (kind: string, verb: string) =>
  `using (owner_id = (select bailiwick.owner('${kind}', '${verb}')))`;

test.for([
  [
    'credentials that are seen by whoever may read memories',
    policy('select_own', 'service_credentials', using('memory', 'read')),
    undefined,
  ],
  [
    'a credential for one agent that others see',
    policy('select_meant', 'service_credentials', 'using (true)'),
    undefined,
  ],
  [
    'a credential that is kept by whoever may read credentials',
    policy(
      'insert_own',
      'service_credentials',
      "with check (owner_id = (select bailiwick.owner('credential', 'read')))",
    ),
    'createServiceCredential',
  ],
  [
    'a credential that an agent changes',
    policy('update_own', 'service_credentials', using('credential', 'read')),
    'updateServiceCredential',
  ],
  [
    'a secret that an agent replaces',
    // of the credential too, which is asked for first
    `${policy('update_own', 'service_secrets', using('secret', 'read'))};
     ${policy('update_own', 'service_credentials', using('secret', 'read'))}`,
    'rotateServiceCredential',
  ],
  [
    'a secret that an agent deletes',
    policy('delete_own', 'service_secrets', using('secret', 'read')),
    'deleteServiceCredential',
  ],
  [
    "a secret that is the owner's alone and read by an agent",
    rewritten('revealed', 'not s.owner_only and', ''),
    'revealServiceSecret',
  ],
  [
    'a secret that another agent reads',
    rewritten('revealed', '(s.agent_id is null or s.agent_id = c.actor_id)', 'true'),
    'revealServiceSecret',
  ],
  [
    'a use by whoever may only see',
    rewritten('use_service', "not bailiwick.holds(c, ''credential:execute'')", 'false'),
    'callService',
  ],
  [
    'a use by whoever may not see',
    rewritten('use_service', "bailiwick.holds(c, ''credential:read'')", 'true'),
    'callService',
  ],
  [
    'a use of what is for another agent',
    rewritten('use_service', 'x.agent_id is null or', 'true or'),
    'callService',
  ],
  [
    'a use of what has expired',
    rewritten('use_service', 's.expires_at <= statement_timestamp()', 'false'),
    'callService',
  ],
  [
    'a use that leaves no entry',
    rewritten('use_service', 'perform bailiwick.audit(', 'perform num_nulls('),
    'callService',
  ],
  [
    'a use that is not noted at the credential',
    rewritten(
      'use_service',
      'last_used_at = statement_timestamp(), last_used_by = c.actor_id',
      'last_used_at = x.last_used_at',
    ),
    'callService',
  ],
] as const)('the comparison notices %s', { timeout: 600_000 }, async ([, fault, mutation], { stage }) => {
  expect(await noticedBy(stage, fault, mutation, CROWDED_FIRST)).toEqual([mutation ?? 'read']);
});
