// A credential of alice's for a real service on loopback, a server that calls it, and the calls of tests.

import * as documents from '../../generated/graphql/graphql.ts';
import { createOutgoing } from '../../src/outgoing/call.ts';
import { dataOf } from '../kit/answer.ts';
import { type Asking, test as base, type RunningServer, startServer } from '../kit/server.ts';
import { type Service, startService } from './service.ts';

export const SECRET = 'ghp_canary_0123456789';
export const AS_SCOUT: Asking = { delegation: 'scout' };
const CALLS: documents.ServiceCallInput[] = [
  { name: 'issues.list', method: 'GET', path: '/repos/{repo}/issues' },
  { name: 'issues.create', method: 'POST', path: '/repos/{repo}/issues' },
];

export type Kept = { readonly id: string; readonly service: Service; readonly server: RunningServer };

export const test = base.extend<{ kept: Kept }>({
  kept: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape of a fixture
    async ({}, use) => {
      const service = await startService();
      const server = await startServer({
        outgoing: createOutgoing({ reach: 'loopback', timeoutMs: 20_000 }),
      });
      await allow(server);
      await use({ id: await keep(server, { origin: service.origin }), service, server });
      await server.stop();
      await service.stop();
    },
    { scope: 'file' },
  ],
});

/** Lets every agent of alice's do what these tests have done, as a rule of hers. */
export async function allow(server: RunningServer): Promise<void> {
  const input = { service: 'github', action: '*', effect: 'ALLOW' } as documents.CreatePermissionInput;
  dataOf(await server.query('alice', documents.CreatePermissionDocument, { input }));
}

/** Keeps a credential of alice's. */
export async function keep(server: RunningServer, more: object): Promise<string> {
  const input = {
    service: 'github',
    label: 'Repositories',
    kind: 'PERSONAL_ACCESS_TOKEN',
    secret: SECRET,
    calls: CALLS,
    ...more,
  } as documents.CreateServiceCredentialInput;
  const answer = await server.query('alice', documents.CreateServiceCredentialDocument, { input });
  const { createServiceCredential: made } = dataOf(answer);
  return 'id' in made ? made.id : '';
}

export const REPO = { parameters: { repo: 'bailiwick' } };

/** What comes of a call. */
export async function call(
  { server }: Pick<Kept, 'server'>,
  actor: Parameters<RunningServer['query']>[0],
  input: documents.CallServiceInput,
  asking: Asking = {},
) {
  return dataOf(await server.query(actor, documents.CallServiceDocument, { input }, asking)).callService;
}
