// Every mutation, each carried out in full by the big owner and by a small one and then undone, on rows that are theirs to
// change. An input is all that is written here; the texts are the product's own.

import { toGlobalId } from '../../../src/api/global-id.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { APPROVALS } from '../../../src/demo/permissions.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { PUBLIC_KEY } from '../../api/attempts.ts';
import { type Asked, GARDEN, globalIds, type Owners, SCOUT, SCRIBE, WHO, type WhoName } from './asking.ts';
import { undone } from './documents.ts';

type Ids = Readonly<Record<string, string | undefined>>;
type Write = {
  readonly operation: string;
  /** The two owners in person, unless others. */
  readonly by?: readonly WhoName[];
  /** Told apart where one operation stands here more than once. */
  readonly how?: string;
  /** Where it fails, because nothing may stand beside it. */
  readonly alone?: string;
  readonly input: (ids: Ids, who: WhoName) => Readonly<Record<string, unknown>>;
};

const later = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const grant = (delegateId: string | undefined) => ({
  delegateId,
  capabilities: ['memory:read'],
  lifetimeSeconds: 600,
});

const key = { label: 'New', capabilities: ['memory:read'] };
const client = { ...key, publicKey: PUBLIC_KEY };

const WRITES: readonly Write[] = [
  {
    operation: 'CreateAgent',
    input: ({ Agent }) => ({ name: 'New', parentId: Agent, systemPrompt: 'Be brief.' }),
  },
  {
    operation: 'UpdateAgent',
    input: ({ Agent }) => ({ id: Agent, icon: 'x', systemPrompt: 'Be briefer.' }),
  },
  { operation: 'SetAgentStatus', input: ({ Agent }) => ({ id: Agent, status: 'SUSPENDED' }) },
  { operation: 'SetAgentCeiling', input: ({ Agent }) => ({ id: Agent, capabilities: ['memory:read'] }) },
  { operation: 'DeleteAgent', input: ({ Agent }) => ({ id: Agent }) },
  { operation: 'RevokeAgent', input: ({ Agent }) => ({ agentId: Agent }) },
  {
    operation: 'RevokeAgent',
    how: 'of another owner',
    by: ['administrator'],
    input: () => ({ agentId: SCOUT }),
  },
  { operation: 'GrantDelegation', input: ({ Agent, World }) => ({ ...grant(Agent), worldId: World }) },
  { operation: 'Redelegate', by: ['agent for big'], input: () => grant(SCRIBE) },
  {
    operation: 'NarrowDelegation',
    input: ({ Delegation }) => ({ id: Delegation, expiresAt: later(1) }),
  },
  { operation: 'RevokeDelegation', input: ({ Delegation }) => ({ id: Delegation }) },
  {
    operation: 'RenounceDelegation',
    by: ['agent as itself', 'small agent as itself'],
    input: ({ Held }) => ({ id: Held }),
  },
  {
    operation: 'CreateMemory',
    by: ['big', 'small', 'agent for big', 'agent for big in one world', 'agent as itself'],
    input: ({ Agent, World }, who) => {
      const content = 'Something new.';
      const everything = { content, kind: 'fact', tags: ['new'], metadata: { a: 1 } };
      return who === 'agent as itself'
        ? everything
        : who === 'agent for big in one world'
          ? { ...everything, worldId: GARDEN }
          : { ...everything, agentId: Agent, worldId: World };
    },
  },
  {
    operation: 'CreateMemories',
    input: ({ World }) => ({
      memories: Array.from({ length: 20 }, (_, n) => ({ content: `Number ${n}`, worldId: World })),
    }),
  },
  { operation: 'UpdateMemory', input: ({ Memory }) => ({ id: Memory, content: 'Otherwise.', tags: [] }) },
  { operation: 'DeleteMemory', input: ({ Memory }) => ({ id: Memory }) },
  { operation: 'UpdateProfile', input: () => ({ displayName: 'Somebody', locale: 'de' }) },
  { operation: 'CreateWorld', input: () => ({ name: 'New', description: 'To try.' }) },
  { operation: 'UpdateWorld', input: ({ World }) => ({ id: World, name: 'Other' }) },
  { operation: 'DeleteWorld', input: ({ World }) => ({ id: World }) },
  {
    operation: 'AddWorldMember',
    input: ({ World, Stranger }) => ({ worldId: World, userId: Stranger, role: 'GUEST' }),
  },
  { operation: 'UpdateWorldMember', input: ({ WorldMember }) => ({ id: WorldMember, role: 'GUEST' }) },
  { operation: 'RemoveWorldMember', input: ({ WorldMember }) => ({ id: WorldMember }) },
  { operation: 'RemoveWorldMember', how: 'by leaving', input: ({ Guest }) => ({ id: Guest }) },
  { operation: 'CreateApiKey', input: () => key },
  {
    operation: 'CreateApiKey',
    how: 'bound to a delegation',
    input: ({ Holder, Held }) => ({ ...key, holderId: Holder, delegationId: Held }),
  },
  {
    operation: 'CreateApiKey',
    how: 'for a service',
    by: ['administrator'],
    input: ({ Service }) => ({ ...key, holderId: Service }),
  },
  { operation: 'RegisterClient', input: () => client },
  {
    operation: 'RegisterClient',
    how: 'bound to a delegation',
    input: ({ Holder, Held }) => ({ ...client, holderId: Holder, delegationId: Held }),
  },
  {
    operation: 'RegisterClient',
    how: 'for a service',
    by: ['administrator'],
    input: ({ Service }) => ({ ...client, holderId: Service }),
  },
  { operation: 'RotateApiKey', input: ({ Credential }) => ({ id: Credential }) },
  {
    operation: 'RotateApiKey',
    how: 'at once',
    input: ({ Credential }) => ({ id: Credential, overlapSeconds: 0 }),
  },
  {
    operation: 'RotateApiKey',
    how: 'of a service',
    by: ['administrator'],
    input: ({ ServiceKey }) => ({ id: ServiceKey }),
  },
  { operation: 'RevokeCredential', input: ({ Credential }) => ({ id: Credential }) },
  {
    operation: 'RevokeCredential',
    how: 'of another owner',
    by: ['administrator'],
    input: ({ Others }) => ({ id: Others }),
  },
  { operation: 'EndCredentials', input: ({ User }) => ({ holderId: User }) },
  { operation: 'EndCredentials', how: 'of an agent', input: ({ Holder }) => ({ holderId: Holder }) },
  {
    operation: 'EndCredentials',
    how: 'of another owner',
    by: ['administrator'],
    input: () => ({ holderId: SCOUT }),
  },
  {
    operation: 'CreateServiceCredential',
    input: ({ Agent }) => ({
      ...{
        service: 'new',
        label: 'New',
        kind: 'API_KEY',
        origin: 'https://new.invalid',
        secret: 'made-up-1',
      },
      ...{ agentId: Agent, calls: [{ name: 'list', method: 'GET', path: '/' }] },
    }),
  },
  {
    operation: 'UpdateServiceCredential',
    input: ({ Agent, ServiceCredential }) => ({ id: ServiceCredential, label: 'Other', agentId: Agent }),
  },
  {
    operation: 'RotateServiceCredential',
    input: ({ ServiceCredential }) => ({ id: ServiceCredential, secret: 'made-up-2' }),
  },
  { operation: 'DeleteServiceCredential', input: ({ ServiceCredential }) => ({ id: ServiceCredential }) },
  { operation: 'RevealServiceSecret', input: ({ ServiceCredential }) => ({ id: ServiceCredential }) },
  {
    operation: 'CreatePermission',
    input: ({ Agent }) => ({
      agentId: Agent,
      service: 'new',
      action: 'things.*',
      effect: 'DENY',
      note: 'New.',
    }),
  },
  { operation: 'UpdatePermission', input: ({ Permission }) => ({ id: Permission, effect: 'ASK' }) },
  { operation: 'DeletePermission', input: ({ Permission }) => ({ id: Permission }) },
  {
    operation: 'RecordActivity',
    by: ['agent for big'],
    input: () => ({
      entries: Array.from({ length: 20 }, (_, n) => ({
        ...{ service: 'mail', action: 'messages.send', outcome: 'SUCCEEDED', summary: `Number ${n}` },
        ...{ durationMs: n, network: { host: 'mail.invalid', port: 443 } },
      })),
    }),
  },
  { operation: 'FreezeBaseline', input: ({ Agent }) => ({ agentId: Agent, threshold: 0.7 }) },
  { operation: 'FreezeBaseline', how: 'for the first time', input: ({ Parent }) => ({ agentId: Parent }) },
  { operation: 'FreezeBaseline', how: 'of much', input: ({ Holder }) => ({ agentId: Holder }) },
  { operation: 'ResetBaseline', input: ({ Agent }) => ({ agentId: Agent }) },
  // what is asked for is new; of what is allowed no statement but the verdict is left
  {
    operation: 'AuthorizeAction',
    by: ['agent for big'],
    input: () => ({ service: 'mail', action: 'messages.send', arguments: { new: true } }),
  },
  {
    operation: 'DecideApproval',
    input: ({ Approval }) => ({ id: Approval, decision: 'REJECT', note: 'No.' }),
  },
  {
    operation: 'RedeemApproval',
    by: ['agent for big'],
    // the first that the cast has asked for
    input: () =>
      APPROVALS.slice(0, 1).reduce(
        (_, { id, service, action, arguments: given }) => ({
          ...{ id: toGlobalId('Approval', id), service, action, arguments: given },
        }),
        {},
      ),
  },
  {
    operation: 'CallService',
    by: ['big', 'small', 'agent for big'],
    alone: 'callService',
    // one of the cast: the others' secrets are gone with their keys
    input: (_, who) => {
      const { id, calls } = SERVICES[WHO[who].owner === 'bob' ? 'parts' : 'tracker'];
      const credentialId = toGlobalId('ServiceCredential', id);
      return { credentialId, call: calls[0]?.name, parameters: who === 'small' ? {} : { bed: '1' } };
    },
  },
];

/** Every mutation. */
export function writes(owners: Owners): Asked[] {
  return WRITES.flatMap(({ operation, how, by = ['big', 'small'], alone, input }) =>
    by.map((who) => ({
      name: how === undefined ? operation : `${operation} ${how}`,
      who,
      text: undone(operation),
      variables: { input: input(idsOf(who, owners), who) },
      ...(alone !== undefined && { alone }),
    })),
  );
}

function idsOf(who: WhoName, owners: Owners): Ids {
  const things = owners[WHO[who].owner];
  const agent = WHO[who].owner === 'bob' ? 'bobot' : 'scout';
  return {
    ...globalIds(things),
    Stranger: toGlobalId('User', things.stranger),
    Guest: toGlobalId('WorldMember', things.guest),
    Parent: toGlobalId('Agent', things.parent),
    Holder: toGlobalId('Agent', AGENTS[agent].id),
    Held: toGlobalId('Delegation', DELEGATIONS[agent].id),
    Service: toGlobalId('User', things.service),
    ServiceKey: toGlobalId('Credential', things.serviceKey),
    Others: toGlobalId('Credential', owners.alice.key),
  };
}
