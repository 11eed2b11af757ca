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
  'addWorldMember.userId': 'User',
  'addWorldMember.worldId': 'World',
  'agents.filter.parentId': 'Agent',
  'callService.credentialId': 'ServiceCredential',
  'credentials.filter.holderId': HOLDER,
  'createAgent.parentId': 'Agent',
  'createApiKey.delegationId': 'Delegation',
  'createApiKey.holderId': HOLDER,
  'createMemories.memories.agentId': 'Agent',
  'createMemories.memories.worldId': 'World',
  'createMemory.agentId': 'Agent',
  'createMemory.worldId': 'World',
  'createServiceCredential.agentId': 'Agent',
  'delegationsGranted.filter.delegateId': 'Agent',
  'delegationsGranted.filter.worldId': 'World',
  'delegationsHeld.filter.delegateId': 'Agent',
  'delegationsHeld.filter.worldId': 'World',
  'deleteAgent.id': 'Agent',
  'deleteMemory.id': 'Memory',
  'deleteServiceCredential.id': 'ServiceCredential',
  'deleteWorld.id': 'World',
  'endCredentials.holderId': HOLDER,
  'grantDelegation.delegateId': 'Agent',
  'grantDelegation.worldId': 'World',
  'memories.filter.agentId': 'Agent',
  'memories.filter.worldId': 'World',
  'narrowDelegation.id': 'Delegation',
  'redelegate.delegateId': 'Agent',
  'redelegate.worldId': 'World',
  'registerClient.delegationId': 'Delegation',
  'registerClient.holderId': HOLDER,
  'removeWorldMember.id': 'WorldMember',
  'renounceDelegation.id': 'Delegation',
  'revealServiceSecret.id': 'ServiceCredential',
  'revokeAgent.agentId': 'Agent',
  'revokeCredential.id': 'Credential',
  'revokeDelegation.id': 'Delegation',
  'rotateApiKey.id': 'Credential',
  'rotateServiceCredential.id': 'ServiceCredential',
  'serviceCredentials.filter.agentId': 'Agent',
  'setAgentCeiling.id': 'Agent',
  'setAgentStatus.id': 'Agent',
  'updateAgent.id': 'Agent',
  'updateMemory.id': 'Memory',
  'updateServiceCredential.agentId': 'Agent',
  'updateServiceCredential.id': 'ServiceCredential',
  'updateWorld.id': 'World',
  'updateWorldMember.id': 'WorldMember',
};
/** The types of which a place takes ids. */
export const typesIn = (place: string): readonly NodeName[] => [PLACES[place] ?? []].flat();
/** Places that take an id of any type. */
export const ANY_TYPE = ['node.id', 'nodes.ids'];

export const TABLE: Readonly<Record<NodeName, string>> = {
  Agent: 'agents',
  Credential: 'credentials',
  Delegation: 'delegations',
  Memory: 'memories',
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
  Agent: 'agent',
  Credential: 'key',
  Delegation: 'delegation',
  Memory: 'memory',
  ServiceCredential: 'service',
  Tenant: 'user',
  User: 'user',
  World: 'world',
  WorldMember: 'member',
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
  const arg = field?.args.find((one) => one.name === path[0]);
  if (field === undefined || arg === undefined) {
    throw new TypeError(`there is no place ${place}`);
  }
  const required = isNonNullType(arg.type) ? arg.type.ofType : arg.type;
  const value = isListType(required) ? [id] : path.length === 1 ? id : put({}, path.slice(1), id);
  const type = getNamedType(field.type);
  const connection = isObjectType(type) && 'edges' in type.getFields();
  const selection = connection ? 'edges { node { id } }' : '__typename id';
  return {
    document: `query ($value: ${arg.type}) { ${name}(${arg.name}: $value) { ${selection} } }`,
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
