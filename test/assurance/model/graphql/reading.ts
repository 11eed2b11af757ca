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
  'permissions',
  'approvals',
  'activity',
  'accessReceipts',
  'sharedMemories',
] as const;

const READ = `query ($ids: [ID!]!, $one: ID!, $place: ID!, $agent: ID!, $archived: Boolean!) {
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
  permissions(first: 9) { edges { node { id name: note } } }
  approvals(first: 9) { edges { node { id name: purpose } } }
  activity(first: 9) { edges { node { id name: summary } } }
  accessReceipts(first: 9) { edges { node { id name: operation } } }
  sharedMemories(worldId: $place, first: 9) { edges { node { id content } } }
  compareToBaseline(agentId: $agent, calls: [{ host: "new.invalid" }]) { score learned }
  node(id: $one) { ...any }
  nodes(ids: $ids) { ...any }
}
fragment agents on AgentConnection { edges { node { id name
  subagents(first: 9) { edges { node { id name } } } memories(first: 9) { edges { node { id content } } } } } }
fragment worlds on WorldConnection { edges { node { id name
  members(first: 9) { edges { node { id userId } } } memories(first: 9) { edges { node { id content } } } } } }
fragment any on Node { ...user ...agent ...world ...member ...delegation ...memory ...key ...service ...permission ...approval ...entry ...baseline ...receipt ...tenant }
fragment user on User { __typename id displayName administrator status }
fragment agent on Agent { __typename id name status systemPrompt privateInstructions parent { id name }
  baseline { id usually: status threshold } }
fragment world on World { __typename id name status ownerId }
fragment member on WorldMember { __typename id role userId world { id name } }
fragment delegation on Delegation { __typename id ownerId delegatorId delegateId parentId worldId depth redelegate
  capabilities state delegate { id name } world { id name } }
fragment memory on Memory { __typename id ownerId shared sensitive content metadata agent { id name } world { id name } }
fragment key on Credential { __typename id kind clientId hint publicKey label holderId delegationId replacesId capabilities keyState: state
  agent { id name } }
fragment service on ServiceCredential { __typename id name: label origin ownerOnly serviceState: state
  calls { call: name } lastUsedById agent { id name } }
fragment permission on Permission { __typename id note effect everyAgent service action agent { id name } }
fragment approval on Approval { __typename id purpose service action arguments approvalState: state agentId chain agent { id name } }
fragment entry on ActivityEntry { __typename id summary service action outcome agentId chain agent { id name } }
fragment baseline on Baseline { __typename id usually: status threshold alertedAt agent { id name } }
fragment receipt on AccessReceipt { __typename id operation of: kind rowId times day agentId under: delegationId agent { id name } }
fragment tenant on Tenant { __typename id slug name }`;

export type Question = {
  readonly query: string;
  readonly variables: {
    readonly ids: string[];
    readonly one: string;
    readonly place: string;
    readonly agent: string;
    readonly archived: boolean;
  };
};

/** What an asker of a world reads: each name of each type; and one of them, one world and one agent, others each time, by themselves. */
export function questionOf(world: World, turn: number): Question {
  const ids = NODE_TYPES.flatMap((type) =>
    (type === 'Tenant' ? ['t0', 't1'] : namesOf(world, type)).map((name) => globalId(type, name)),
  );
  const archived = world.tenants
    .flatMap(({ agents, places }) => [...agents, ...places])
    .some(({ status }) => status === 'archived');
  const [place, agent] = (['World', 'Agent'] as const).map((type) => {
    const names = namesOf(world, type);
    return globalId(type, names[turn % names.length] ?? '');
  });
  return {
    query: READ,
    variables: { ids, one: ids[turn % ids.length] ?? '', place: place ?? '', agent: agent ?? '', archived },
  };
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
      return `${label} ${node.name}, ${node.status}, below ${linked(node.parent)}, told ${node.systemPrompt} ${node.privateInstructions}, usually ${usualText(node.baseline)}`;
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
      return `${label} ${node.content} ${JSON.stringify(node.metadata)}${node.sensitive ? ', sensitive' : ''}${node.shared ? ', shared' : ''}, of ${named(node.ownerId)} by ${linked(node.agent)} in ${linked(node.world)}`;
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
    case 'Permission':
      return [
        `${label} ${node.note}: ${node.effect} ${node.everyAgent ? 'everybody' : 'one'}`,
        `to ${node.action} at ${node.service}, shows ${linked(node.agent)}`,
      ].join(' ');
    case 'Approval':
      return `${label} ${node.purpose}: ${JSON.stringify(node.arguments)} ${node.approvalState}, ${actedText(node)}`;
    case 'ActivityEntry':
      return `${label} ${node.summary}: ${node.outcome}, ${actedText(node)}`;
    case 'Baseline':
      return `Baseline ${usualText(node)}, ${node.alertedAt === null ? 'not ' : ''}broken, shows ${linked(node.agent)}`;
    case 'AccessReceipt':
      return [
        `${label} of ${node.operation} reading ${node.of} ${named(node.rowId)} ${node.times} on ${node.day}`,
        `by ${named(node.agentId)} under ${named(node.under)}, shows ${linked(node.agent)}`,
      ].join(' ');
    default:
      return type satisfies never;
  }
}

/** What is usual for an agent, where that is known. */
function usualText(baseline: unknown): string {
  const { id, usually, threshold } = (baseline ?? {}) as Node;
  return id === undefined ? 'unknown' : `${named(id)} ${usually} ${threshold}`;
}

/** Which action, by whom and through what. */
const actedText = ({ action, service, agentId, chain, agent }: Node) =>
  `${action} at ${service} by ${named(agentId)} through ${(chain as string[]).map(named).join(' ')}, shows ${linked(agent)}`;

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
    ['compareToBaseline', farText(data.compareToBaseline as Node | null)],
    ['viewer', viewerText(data.viewer as Viewer)],
  ]);
}

/** How far a call is from what is usual, and from how many that is known. */
const farText = (found: Node | null) => (found === null ? 'null' : `${found.score} after ${found.learned}`);

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
