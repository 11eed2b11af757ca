// Everything that can be read, in one operation: every connection and those nested in it, the viewer, and each row there might
// be by its global id, with its relations. The answer as text by what was asked; seeing.ts has what the model says.
//
// Ids are twins across tenants, so a row is told by its content and not by its id alone.

import type { World } from '../../../../src/assurance/world.ts';
import { globalId, nameOfGlobal, namesOf } from './scene.ts';
import { NODE_TYPES, type NodeType } from './sight.ts';

type Node = Readonly<Record<string, unknown>>;
type Edges = { readonly edges: readonly { readonly node: Node }[] };
type Viewer = {
  readonly live: boolean;
  readonly administrator: boolean;
  readonly capabilities: readonly string[];
  readonly chain: readonly { readonly delegationId: string }[];
  readonly actor: Node;
  readonly owner: Node;
  readonly tenant: Node;
};
export type Reading = ReadonlyMap<string, string>;

/** Of the connections that are asked for by archived status too; the rest is not archived. */
export const ARCHIVED = ['archivedAgents', 'archivedWorlds'] as const;
export const CONNECTIONS = [
  'agents',
  'worlds',
  ...ARCHIVED,
  'members',
  'memories',
  'searchMemories',
  'delegationsGranted',
  'delegationsHeld',
  'credentials',
  'clients',
  'serviceCredentials',
] as const;

const READ = `query ($ids: [ID!]!, $one: ID!, $archived: Boolean!) {
  viewer { live administrator capabilities chain { delegationId } actor { id } owner { id } tenant { ...tenant } }
  agents(first: 9) { ...agents }
  archivedAgents: agents(first: 9, filter: { status: ARCHIVED }) @include(if: $archived) { ...agents }
  worlds(first: 9) { ...worlds }
  archivedWorlds: worlds(first: 9, filter: { status: ARCHIVED }) @include(if: $archived) { ...worlds }
  members(first: 20) { edges { node { id userId } } }
  memories(first: 9) { edges { node { id content } } }
  searchMemories(query: "tenant", first: 9) { edges { node { id content } } }
  delegationsGranted(first: 9) { edges { node { id delegatorId delegateId } } }
  delegationsHeld(first: 9) { edges { node { id delegatorId delegateId } } }
  credentials(first: 9) { edges { node { id label holderId capabilities } } }
  clients: credentials(first: 9, filter: { kinds: [CLIENT] }) { edges { node { id label holderId capabilities } } }
  serviceCredentials(first: 9) { edges { node { id name: label } } }
  node(id: $one) { ...any }
  nodes(ids: $ids) { ...any }
}
fragment agents on AgentConnection { edges { node { id name
  subagents(first: 9) { edges { node { id name } } } memories(first: 9) { edges { node { id content } } } } } }
fragment worlds on WorldConnection { edges { node { id name
  members(first: 9) { edges { node { id userId } } } memories(first: 9) { edges { node { id content } } } } } }
fragment any on Node { ...user ...agent ...world ...member ...delegation ...memory ...key ...service ...tenant }
fragment user on User { __typename id displayName administrator status }
fragment agent on Agent { __typename id name status systemPrompt privateInstructions parent { id name } }
fragment world on World { __typename id name status ownerId }
fragment member on WorldMember { __typename id role userId world { id name } }
fragment delegation on Delegation { __typename id ownerId delegatorId delegateId parentId worldId depth redelegate
  capabilities state delegate { id name } world { id name } }
fragment memory on Memory { __typename id sensitive content metadata agent { id name } world { id name } }
fragment key on Credential { __typename id kind clientId hint publicKey label holderId delegationId replacesId capabilities keyState: state
  agent { id name } }
fragment service on ServiceCredential { __typename id name: label origin ownerOnly serviceState: state
  calls { call: name } lastUsedById agent { id name } }
fragment tenant on Tenant { __typename id slug name }`;

export type Question = {
  readonly query: string;
  readonly variables: { readonly ids: string[]; readonly one: string; readonly archived: boolean };
};

/** What an asker of a world reads: each name of each type, and one of them, another each time, by itself. */
export function questionOf(world: World, turn: number): Question {
  const ids = NODE_TYPES.flatMap((type) =>
    (type === 'Tenant' ? ['t0', 't1'] : namesOf(world, type)).map((name) => globalId(type, name)),
  );
  const archived = world.tenants
    .flatMap(({ agents, places }) => [...agents, ...places])
    .some(({ status }) => status === 'archived');
  return { query: READ, variables: { ids, one: ids[turn % ids.length] ?? '', archived } };
}

/** Type and name of a global id. */
export function labelOf(id: string): { type: NodeType; name: string } {
  const [type] = Buffer.from(id, 'base64url').toString().split(':');
  return { type: type as NodeType, name: nameOfGlobal(id) ?? id };
}

const named = (id: unknown) => (typeof id === 'string' ? labelOf(id).name : 'none');
export const together = (texts: readonly string[]) => [...texts].sort().join('; ');

/** A row in a list: its name and what of its content tells it from its twin. */
function short({ id, name, content, userId, delegatorId, delegateId, label, capabilities }: Node): string {
  const parties = delegatorId === undefined ? undefined : `${named(delegatorId)} -> ${named(delegateId)}`;
  const key = label === undefined ? undefined : `${label} [${(capabilities as string[]).join(' ')}]`;
  // of a memory without a key to open it nothing shows but that it is there
  const sealed = content === null ? 'sealed' : undefined;
  return `${named(id)} ${name ?? content ?? sealed ?? parties ?? key ?? named(userId)}`;
}

/** A row that a relation leads to, or that it does not show. */
const linked = (node: unknown) => (node === null ? 'none' : short(node as Node));

function text(node: Node): string {
  const label = `${node.__typename} ${named(node.id)}`;
  const type = node.__typename as NodeType;
  switch (type) {
    case 'Tenant':
      return `${label} ${node.slug} ${node.name}`;
    case 'User':
      return `${label} ${node.displayName}, ${node.administrator ? 'admin' : 'member'}, ${node.status}`;
    case 'Agent':
      return `${label} ${node.name}, ${node.status}, below ${linked(node.parent)}, told ${node.systemPrompt} ${node.privateInstructions}`;
    case 'World':
      return `${label} ${node.name}, ${node.status}, of ${named(node.ownerId)}`;
    case 'WorldMember':
      return `${label} ${named(node.userId)} as ${node.role} in ${linked(node.world)}`;
    case 'Delegation':
      return [
        `${label} ${named(node.delegatorId)} -> ${named(node.delegateId)} for ${named(node.ownerId)}`,
        `depth ${node.depth} below ${named(node.parentId)}, only ${named(node.worldId)}, passes on ${node.redelegate}`,
        `[${(node.capabilities as string[]).join(' ')}] ${node.state}`,
        `shows ${linked(node.delegate)} and ${linked(node.world)}`,
      ].join(', ');
    case 'Memory':
      return `${label} ${node.content} ${JSON.stringify(node.metadata)}${node.sensitive ? ', sensitive' : ''}, by ${linked(node.agent)} in ${linked(node.world)}`;
    case 'Credential': {
      const holder = labelOf(String(node.holderId));
      return [
        `${label} ${node.kind} ${node.clientId ?? (node.hint === null ? 'unnamed' : 'with a hint')}`,
        `${node.publicKey === null ? 'no key' : 'a key'} to see`,
        `${node.label}, for ${holder.type} ${holder.name} under ${named(node.delegationId)}`,
        `after ${named(node.replacesId)}, [${(node.capabilities as string[]).join(' ')}] ${node.keyState}`,
        `shows ${linked(node.agent)}`,
      ].join(', ');
    }
    case 'ServiceCredential':
      return [
        `${label} ${node.name} at ${node.origin}`,
        node.ownerOnly ? "the owner's alone" : 'for whoever may read it',
        `${node.serviceState}, can ${(node.calls as Node[]).map(({ call }) => call).join()}`,
        `last used by ${named(node.lastUsedById)}, shows ${linked(node.agent)}`,
      ].join(', ');
    default:
      return type satisfies never;
  }
}

function viewerText({ live, administrator, capabilities, chain, actor, owner, tenant }: Viewer): string {
  return [
    `${named(actor.id)} for ${named(owner.id)}, ${live ? 'live' : 'dead'}`,
    ...(administrator ? ['administrator'] : []),
    ...chain.map(({ delegationId }) => named(delegationId)),
    ...capabilities,
    text(tenant),
  ].join(' ');
}

/** What the API answered, by what was asked. */
export function readingOf(data: Node, { variables: { ids } }: Question): Reading {
  const lists = CONNECTIONS.flatMap((name): [string, string][] => {
    const nodes = (data[name] as Edges | undefined)?.edges.map(({ node }) => node);
    return nodes === undefined ? [] : [[name, together(nodes.map(short))], ...nestedIn(name, nodes)];
  });
  const nodes = data.nodes as (Node | null)[];
  const alone = data.node as Node | null;
  return new Map([
    ...lists,
    ...ids.map((id, n): [string, string] => [id, nodes[n] ? text(nodes[n]) : 'null']),
    ['node', alone === null ? 'null' : text(alone)],
    ['viewer', viewerText(data.viewer as Viewer)],
  ]);
}

function nestedIn(connection: string, nodes: readonly Node[]): [string, string][] {
  return nodes.flatMap((node) =>
    Object.entries(node).flatMap(([field, value]): [string, string][] => {
      // null is a field too: content that nobody opens
      const edges = (value as Edges | string | null)?.valueOf() as Partial<Edges> | undefined;
      return edges?.edges === undefined
        ? []
        : [
            [
              `${connection} ${named(node.id)}.${field}`,
              together(edges.edges.map((edge) => short(edge.node))),
            ],
          ];
    }),
  );
}
