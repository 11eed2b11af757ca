// Every mutation once, as data: what refusals.test.ts lets strangers try on rows that are alice's.

import { generateKeyPairSync } from 'node:crypto';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { APPROVALS, PERMISSIONS } from '../../src/demo/permissions.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { newId } from '../../src/ids.ts';
import { KEYS } from '../policies/credentials.ts';

export type Ids = Readonly<
  Record<
    | 'agent'
    | 'subagent'
    | 'memory'
    | 'world'
    | 'member'
    | 'user'
    | 'delegation'
    | 'key'
    | 'service'
    | 'permission'
    | 'approval',
    string
  >
>;

/** Alice's, as global ids. Her key is none of the cast's: whoever asks about it makes it first. */
export const HIDDEN: Ids = {
  agent: toGlobalId('Agent', AGENTS.scout.id),
  subagent: toGlobalId('Agent', AGENTS.scribe.id),
  memory: toGlobalId('Memory', MEMORIES.find(({ owner }) => owner === 'alice')?.id ?? ''),
  world: toGlobalId('World', WORLDS.garden.id),
  member: toGlobalId('WorldMember', WORLDS.garden.members.alice?.id ?? ''),
  user: toGlobalId('User', USERS.ada.id),
  delegation: toGlobalId('Delegation', DELEGATIONS.scout.id),
  key: toGlobalId('Credential', KEYS.alice.id),
  service: toGlobalId('ServiceCredential', SERVICES.tracker.id),
  permission: toGlobalId('Permission', PERMISSIONS.find(({ owner }) => owner === 'alice')?.id ?? ''),
  approval: toGlobalId('Approval', APPROVALS.find(({ owner }) => owner === 'alice')?.id ?? ''),
};
/** Of the same types, and of nobody. */
export const absent = (): Ids => ({
  agent: toGlobalId('Agent', newId()),
  subagent: toGlobalId('Agent', newId()),
  memory: toGlobalId('Memory', newId()),
  world: toGlobalId('World', newId()),
  member: toGlobalId('WorldMember', newId()),
  user: toGlobalId('User', newId()),
  delegation: toGlobalId('Delegation', newId()),
  key: toGlobalId('Credential', newId()),
  service: toGlobalId('ServiceCredential', newId()),
  permission: toGlobalId('Permission', newId()),
  approval: toGlobalId('Approval', newId()),
});

export type Attempt = { document: { toString(): string }; input: (ids: Ids) => Record<string, unknown> };
const attempt = (document: Attempt['document'], input: Attempt['input']): Attempt => ({ document, input });
const terms = { capabilities: ['memory:read'], lifetimeSeconds: 600, redelegate: 0 };
/** A key that is fit for a client; of its other half there is no copy. */
export const PUBLIC_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
  format: 'jwk',
});
const soon = new Date(Date.now() + 600_000).toISOString();

/** Mutations of a row by its id: for a stranger there is no such row. */
export const ON_ROWS: Readonly<Record<string, Attempt>> = {
  updateAgent: attempt(documents.UpdateAgentDocument, ({ agent }) => ({ id: agent, name: 'Taken' })),
  setAgentStatus: attempt(documents.SetAgentStatusDocument, ({ agent }) => ({
    id: agent,
    status: 'SUSPENDED',
  })),
  setAgentCeiling: attempt(documents.SetAgentCeilingDocument, ({ agent }) => ({
    id: agent,
    capabilities: [],
  })),
  deleteAgent: attempt(documents.DeleteAgentDocument, ({ agent }) => ({ id: agent })),
  revokeAgent: attempt(documents.RevokeAgentDocument, ({ agent }) => ({ agentId: agent })),
  updateMemory: attempt(documents.UpdateMemoryDocument, ({ memory }) => ({ id: memory, content: 'Taken' })),
  deleteMemory: attempt(documents.DeleteMemoryDocument, ({ memory }) => ({ id: memory })),
  updateWorld: attempt(documents.UpdateWorldDocument, ({ world }) => ({ id: world, name: 'Taken' })),
  deleteWorld: attempt(documents.DeleteWorldDocument, ({ world }) => ({ id: world })),
  addWorldMember: attempt(documents.AddWorldMemberDocument, ({ world, user }) => ({
    worldId: world,
    userId: user,
  })),
  updateWorldMember: attempt(documents.UpdateWorldMemberDocument, ({ member }) => ({
    id: member,
    role: 'GUEST',
  })),
  removeWorldMember: attempt(documents.RemoveWorldMemberDocument, ({ member }) => ({ id: member })),
  narrowDelegation: attempt(documents.NarrowDelegationDocument, ({ delegation }) => ({
    id: delegation,
    expiresAt: soon,
  })),
  revokeDelegation: attempt(documents.RevokeDelegationDocument, ({ delegation }) => ({ id: delegation })),
  renounceDelegation: attempt(documents.RenounceDelegationDocument, ({ delegation }) => ({ id: delegation })),
  rotateApiKey: attempt(documents.RotateApiKeyDocument, ({ key }) => ({ id: key, overlapSeconds: 0 })),
  revokeCredential: attempt(documents.RevokeCredentialDocument, ({ key }) => ({ id: key })),
  updateServiceCredential: attempt(documents.UpdateServiceCredentialDocument, ({ service }) => ({
    id: service,
    label: 'Taken',
  })),
  rotateServiceCredential: attempt(documents.RotateServiceCredentialDocument, ({ service }) => ({
    id: service,
    secret: 'taken-0123456789',
  })),
  deleteServiceCredential: attempt(documents.DeleteServiceCredentialDocument, ({ service }) => ({
    id: service,
  })),
  revealServiceSecret: attempt(documents.RevealServiceSecretDocument, ({ service }) => ({ id: service })),
  callService: attempt(documents.CallServiceDocument, ({ service }) => ({
    credentialId: service,
    call: 'issues.list',
    parameters: { bed: 'lower' },
  })),
  updatePermission: attempt(documents.UpdatePermissionDocument, ({ permission }) => ({
    id: permission,
    effect: 'ALLOW',
  })),
  deletePermission: attempt(documents.DeletePermissionDocument, ({ permission }) => ({ id: permission })),
  decideApproval: attempt(documents.DecideApprovalDocument, ({ approval }) => ({
    id: approval,
    decision: 'APPROVE',
  })),
  redeemApproval: attempt(documents.RedeemApprovalDocument, ({ approval }) => ({
    id: approval,
    service: 'mail',
    action: 'messages.send',
  })),
  endCredentials: attempt(documents.EndCredentialsDocument, ({ agent }) => ({ holderId: agent })),
  freezeBaseline: attempt(documents.FreezeBaselineDocument, ({ agent }) => ({ agentId: agent })),
  resetBaseline: attempt(documents.ResetBaselineDocument, ({ agent }) => ({ agentId: agent })),
};

/** Mutations that make something, or change what is the caller's own. */
export const MAKING: Readonly<Record<string, Attempt>> = {
  createAgent: attempt(documents.CreateAgentDocument, () => ({ name: 'New' })),
  createMemory: attempt(documents.CreateMemoryDocument, () => ({ content: 'New' })),
  createMemories: attempt(documents.CreateMemoriesDocument, () => ({ memories: [{ content: 'New' }] })),
  createWorld: attempt(documents.CreateWorldDocument, () => ({ name: 'New' })),
  updateProfile: attempt(documents.UpdateProfileDocument, () => ({ displayName: 'Taken' })),
  grantDelegation: attempt(documents.GrantDelegationDocument, ({ subagent }) => ({
    delegateId: subagent,
    ...terms,
  })),
  redelegate: attempt(documents.RedelegateDocument, ({ subagent }) => ({ delegateId: subagent, ...terms })),
  createApiKey: attempt(documents.CreateApiKeyDocument, ({ agent }) => ({
    label: 'New',
    holderId: agent,
    capabilities: ['memory:read'],
  })),
  registerClient: attempt(documents.RegisterClientDocument, ({ agent }) => ({
    label: 'New',
    holderId: agent,
    capabilities: ['memory:read'],
    publicKey: PUBLIC_KEY,
  })),
  createPermission: attempt(documents.CreatePermissionDocument, () => ({
    service: '*',
    action: '*',
    effect: 'ALLOW',
  })),
  recordActivity: attempt(documents.RecordActivityDocument, () => ({
    entries: [{ service: 'mail', action: 'messages.send', outcome: 'SUCCEEDED' }],
  })),
  authorizeAction: attempt(documents.AuthorizeActionDocument, () => ({
    service: 'mail',
    action: 'messages.send',
  })),
  createServiceCredential: attempt(documents.CreateServiceCredentialDocument, () => ({
    service: 'new',
    label: 'New',
    kind: 'API_KEY',
    secret: 'new-0123456789',
    origin: 'https://new.invalid',
  })),
};
