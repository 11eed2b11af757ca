// Every place of the API that takes an id, read from the schema, and how to put one there.
//
// Mutations are asked with the documents of the generated client, queries with a text made from the schema.

import {
  type GraphQLArgument,
  type GraphQLInputField,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { NodeName } from '../../../src/api/global-id.ts';
import { schema } from '../../../src/schema.ts';
import { type Ids, MAKING, ON_ROWS } from '../../api/attempts.ts';

/** Who can have a credential; one's own is the first where it is not in question. */
const HOLDER = ['Agent', 'User'] as const;

/** What the id in each place names. `createMemory.worldId` is a field of an input, `node.id` an argument. */
export const PLACES: Readonly<Record<string, NodeName | typeof HOLDER>> = {
  'accessReceipts.filter.agentId': 'Agent',
  'activity.filter.agentId': 'Agent',
  'addWorldMember.userId': 'User',
  'addWorldMember.worldId': 'World',
  'agents.filter.parentId': 'Agent',
  'approvals.filter.agentId': 'Agent',
  'callService.approvalId': 'Approval',
  'callService.credentialId': 'ServiceCredential',
  'compareToBaseline.agentId': 'Agent',
  'credentials.filter.holderId': HOLDER,
  'createAgent.parentId': 'Agent',
  'createApiKey.delegationId': 'Delegation',
  'createApiKey.holderId': HOLDER,
  'createMemories.memories.agentId': 'Agent',
  'createMemories.memories.worldId': 'World',
  'createMemory.agentId': 'Agent',
  'createMemory.worldId': 'World',
  'createPermission.agentId': 'Agent',
  'createServiceCredential.agentId': 'Agent',
  'decideApproval.id': 'Approval',
  'delegationsGranted.filter.delegateId': 'Agent',
  'delegationsGranted.filter.worldId': 'World',
  'delegationsHeld.filter.delegateId': 'Agent',
  'delegationsHeld.filter.worldId': 'World',
  'deleteAgent.id': 'Agent',
  'deleteMemory.id': 'Memory',
  'deletePermission.id': 'Permission',
  'deleteServiceCredential.id': 'ServiceCredential',
  'deleteWorld.id': 'World',
  'endCredentials.holderId': HOLDER,
  'effectivePermissions.agentId': 'Agent',
  'freezeBaseline.agentId': 'Agent',
  'grantDelegation.delegateId': 'Agent',
  'grantDelegation.worldId': 'World',
  'memories.filter.agentId': 'Agent',
  'memories.filter.worldId': 'World',
  'narrowDelegation.id': 'Delegation',
  'permissionPreview.agentId': 'Agent',
  'permissionPreview.delegationId': 'Delegation',
  'permissionPreview.instead.agentId': 'Agent',
  'permissions.filter.agentId': 'Agent',
  'recordActivity.entries.approvalId': 'Approval',
  'redelegate.delegateId': 'Agent',
  'redelegate.worldId': 'World',
  'redeemApproval.id': 'Approval',
  'registerClient.delegationId': 'Delegation',
  'registerClient.holderId': HOLDER,
  'removeWorldMember.id': 'WorldMember',
  'renounceDelegation.id': 'Delegation',
  'resetBaseline.agentId': 'Agent',
  'revealServiceSecret.id': 'ServiceCredential',
  'revokeAgent.agentId': 'Agent',
  'revokeCredential.id': 'Credential',
  'revokeDelegation.id': 'Delegation',
  'rotateApiKey.id': 'Credential',
  'rotateServiceCredential.id': 'ServiceCredential',
  'serviceCredentials.filter.agentId': 'Agent',
  'setAgentCeiling.id': 'Agent',
  'setAgentStatus.id': 'Agent',
  'sharedMemories.filter.agentId': 'Agent',
  'sharedMemories.filter.worldId': 'World',
  'sharedMemories.worldId': 'World',
  'updateAgent.id': 'Agent',
  'updateMemory.id': 'Memory',
  'updatePermission.id': 'Permission',
  'updateServiceCredential.agentId': 'Agent',
  'updateServiceCredential.id': 'ServiceCredential',
  'updateWorld.id': 'World',
  'updateWorldMember.id': 'WorldMember',
};
/** The types of which a place takes ids. */
export const typesIn = (place: string): readonly NodeName[] => [PLACES[place] ?? []].flat();
/** Places that take an id of any type. */
export const ANY_TYPE = ['accessReceipts.filter.rowId', 'explainAccess.id', 'node.id', 'nodes.ids'];

export const TABLE: Readonly<Record<NodeName, string>> = {
  AccessReceipt: 'access_receipts',
  ActivityEntry: 'activity_entries',
  Agent: 'agents',
  Approval: 'approvals',
  Baseline: 'baselines',
  Credential: 'credentials',
  Delegation: 'delegations',
  Memory: 'memories',
  Permission: 'permissions',
  ServiceCredential: 'service_credentials',
  Tenant: 'tenants',
  User: 'users',
  World: 'worlds',
  WorldMember: 'world_members',
};

/** Of an argument or a field of an input: the paths at which an id goes, and whether it goes there in a list. */
function idPaths({ name, type }: GraphQLArgument | GraphQLInputField): string[] {
  const named = getNamedType(type);
  if (isInputObjectType(named)) {
    return Object.values(named.getFields()).flatMap((field) =>
      idPaths(field).map((path) => `${name}.${path}`),
    );
  }
  return named.name === 'ID' ? [name] : [];
}

const roots = [schema.getQueryType(), schema.getMutationType()];

/** `field.path` for every id that a query or a mutation takes; the one argument of mutations goes without saying. */
export function placesOfSchema(): string[] {
  return roots.flatMap((root) =>
    Object.values(root?.getFields() ?? {}).flatMap((field) =>
      field.args.flatMap(idPaths).map((path) => `${field.name}.${path.replace(/^input\./, '')}`),
    ),
  );
}

/** Ids that fields below the root take through anything but an input that a root field takes too. */
export function placesBelow(): string[] {
  const inputs = new Set(
    roots.flatMap((root) =>
      Object.values(root?.getFields() ?? {}).flatMap(({ args }) =>
        args.map(({ type }) => getNamedType(type).name),
      ),
    ),
  );
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !roots.includes(type) && !type.name.startsWith('__'))
    .flatMap((type) =>
      Object.values(isObjectType(type) ? type.getFields() : {}).flatMap((field) =>
        field.args
          .filter((arg) => idPaths(arg).length > 0 && !inputs.has(getNamedType(arg.type).name))
          .map((arg) => `${type.name}.${field.name}(${arg.name})`),
      ),
    );
}

/** Which id of one's own goes where an id of a type is wanted. */
const OWN: Readonly<Record<NodeName, keyof Ids>> = {
  // as of a tenant: no place takes these alone
  AccessReceipt: 'user',
  ActivityEntry: 'user',
  Agent: 'agent',
  Approval: 'approval',
  Baseline: 'user',
  Credential: 'key',
  Delegation: 'delegation',
  Memory: 'memory',
  Permission: 'permission',
  ServiceCredential: 'service',
  Tenant: 'user',
  User: 'user',
  World: 'world',
  WorldMember: 'member',
};

/** What a query needs besides, and what is asked of its answer, where that is neither a row nor a page. */
const ASKED: Readonly<
  Record<
    string,
    {
      also?: string | ((own: Ids, arg: string) => string);
      selection?: string;
      input?: (own: Ids) => Readonly<Record<string, unknown>>;
    }
  >
> = {
  compareToBaseline: {
    selection: 'compared learned enough usual { network { host } } deviating { score }',
    also: ', calls: [{ host: "shop.invalid" }]',
  },
  effectivePermissions: {
    selection: 'delegationId ended { reason delegationId }',
    also: ', includeEnded: true',
  },
  explainAccess: {
    also: ', verb: READ',
    selection: 'known allowed granted clauses { policy holds } requirements { held missing { where id } }',
  },
  sharedMemories: { also: ({ world }, arg) => (arg === 'worldId' ? '' : `, worldId: "${world}"`) },
  permissionPreview: {
    selection: 'inForce { effect rule { id } } supposed { effect }',
    input: ({ agent }) => {
      const action = { service: 'mail', action: 'messages.send' };
      return { ...action, agentId: agent, instead: [{ ...action, effect: 'ALLOW' }] };
    },
  },
};

export type Question = {
  readonly document: { toString(): string };
  readonly variables: Record<string, unknown>;
};

/** What to ask so that `id` stands in a place, and ids of one's own in all others. */
export function question(place: string, own: Ids, id: string): Question {
  const [name = '', ...path] = place.split('.');
  const mutation = ON_ROWS[name] ?? MAKING[name];
  if (mutation !== undefined) {
    const input = mutation.input(own);
    const complete = Object.keys(PLACES)
      .filter((other) => other.startsWith(`${name}.`) && other !== place)
      .reduce<unknown>((all, other) => {
        const [type] = typesIn(other);
        return type === undefined ? all : put(all, other.split('.').slice(1), own[OWN[type]], true);
      }, input);
    return { document: mutation.document, variables: { input: put(complete, path, id) } };
  }
  const field = schema.getQueryType()?.getFields()[name];
  const [top = '', ...below] = field?.args.some((one) => one.name === 'input') ? ['input', ...path] : path;
  const arg = field?.args.find((one) => one.name === top);
  if (field === undefined || arg === undefined) {
    throw new TypeError(`there is no place ${place}`);
  }
  const required = isNonNullType(arg.type) ? arg.type.ofType : arg.type;
  const { also = '', selection: asked, input = () => ({}) } = ASKED[name] ?? {};
  const value = isListType(required) ? [id] : below.length === 0 ? id : put(input(own), below, id);
  const type = getNamedType(field.type);
  const connection = isObjectType(type) && 'edges' in type.getFields();
  const selection = asked ?? (connection ? 'edges { node { id } }' : '__typename id');
  return {
    document: `query ($value: ${arg.type}) { ${name}(${arg.name}: $value${typeof also === 'string' ? also : also(own, arg.name)}) { ${selection} } }`,
    variables: { value },
  };
}

/** A copy with the id at the path; in a list, in each of its items; `gently`: unless there is one. */
function put(value: unknown, [step, ...rest]: readonly string[], id: string, gently = false): unknown {
  if (step === undefined) {
    return gently ? (value ?? id) : id;
  }
  if (Array.isArray(value)) {
    return value.map((item) => put(item, [step, ...rest], id, gently));
  }
  const inside = (value ?? {}) as Record<string, unknown>;
  return { ...inside, [step]: put(inside[step], rest, id, gently) };
}
