// What is usual for an agent where its calls go, and how far its calls are from that. Who sees it and who freezes it:
// prisma/policies/29-baselines.sql.

import { ActivityNetwork } from '../activity/entry.ts';
import { Agent } from '../agents/agent.ts';
import { toGlobalId } from '../api/global-id.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { builder } from '../builder.ts';
import type { rows } from '../context.ts';
import { type Deviated, type Deviation, learn, MOST_USUAL, type Usual } from '../db/baselines.ts';

const BaselineStatusEnum = builder.enumType('BaselineStatus', {
  description: 'What a baseline is at.',
  values: {
    LEARNING: {
      value: 'learning',
      description: 'It follows the log: whatever the agent does becomes usual.',
    },
    FROZEN: { value: 'frozen', description: 'It stays as it is, and what is far from it is alarming.' },
  } as const,
});

const DeviationDimensionEnum = builder.enumType('DeviationDimension', {
  description: 'What about a call is unusual.',
  values: {
    HOST: { value: 'host', description: 'The host was never called.' },
    PORT: { value: 'port', description: 'The port was never called at this host.' },
    METHOD: { value: 'method', description: 'The method was never used with this host.' },
    TLS: { value: 'tls', description: 'It went in clear, as none did before.' },
    FINGERPRINT: {
      value: 'fingerprint',
      description: 'The handshake or certificate is another than this host ever had.',
    },
  } as const,
});

export const DeviationObject = builder.objectRef<Deviation>('Deviation').implement({
  description: 'One thing about a call that is unusual.',
  fields: (t) => ({
    dimension: t.field({
      type: DeviationDimensionEnum,
      description: 'What it is about.',
      resolve: ({ dimension }) => dimension,
    }),
    value: t.exposeString('value', { description: 'As it was in the call.' }),
    weight: t.exposeFloat('weight', { description: 'How grave it is, between 0 and 1.' }),
  }),
});

export const UsualCall = builder.objectRef<Usual>('UsualCall').implement({
  description: 'Where calls of an agent usually go.',
  fields: (t) => ({
    network: t.field({ type: ActivityNetwork, description: 'Where.', resolve: (usual) => usual }),
    times: t.exposeInt('times', { description: 'How often, among the entries that were learned from.' }),
  }),
});

type Alert = Deviated & { readonly entryId: string };

const BaselineAlert = builder.objectRef<Alert>('BaselineAlert').implement({
  description: 'How a frozen baseline was broken.',
  fields: (t) => ({
    score: t.exposeFloat('score', { description: 'How far it was from what is usual: 0 to below 1.' }),
    deviations: t.field({
      type: [DeviationObject],
      description: 'What was unusual, the gravest first.',
      extensions: { rows: 5 },
      resolve: ({ deviations }) => [...deviations],
    }),
    entryId: t.id({
      description: 'Global id of the entry of the log that broke it.',
      resolve: ({ entryId }) => toGlobalId('ActivityEntry', entryId),
    }),
  }),
});

type Stored = {
  readonly agentId: string;
  readonly since: Date;
  readonly frozenAt: Date | null;
  readonly learned: unknown;
};

/** As it is stored. Only freezing writes it. */
const asUsual = (learned: unknown): readonly Usual[] => learned as readonly Usual[];

/** As it is stored. Only the kernel writes it. */
const asAlert = (alert: unknown): Alert => alert as Alert;

/** Whether it was broken since it was frozen; before that, it was another. */
const isBroken = ({ frozenAt, alertedAt }: { frozenAt: Date | null; alertedAt: Date | null }): boolean =>
  frozenAt !== null && alertedAt !== null && alertedAt > frozenAt;

export const Baseline = builder.prismaObject('Baseline', {
  interfaces: [NodeInterface],
  description:
    'What is usual for an agent where its calls go. Seen by the owner, and by the agent where its delegation says so.',
  fields: (t) => ({
    agent: t.relation('agent', {
      nullable: true,
      description: 'Whose it is; null where the caller may not read agents.',
    }),
    status: t.field({
      type: BaselineStatusEnum,
      description: 'Whether it still follows the log.',
      resolve: ({ frozenAt }) => (frozenAt === null ? 'learning' : 'frozen'),
    }),
    since: t.expose('since', { type: 'DateTime', description: 'From when on the log is learned from.' }),
    frozenAt: t.expose('frozenAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was frozen; null while it is learned.',
    }),
    usual: t.field({
      type: [UsualCall],
      description:
        'What is usual, the most frequent first, as it was frozen. Empty while it is learned: compareToBaseline says what is known by then.',
      extensions: { rows: MOST_USUAL },
      resolve: ({ learned }) => [...asUsual(learned)],
    }),
    threshold: t.exposeFloat('threshold', {
      description: 'From which score on its owner hears of a call, once it is frozen.',
    }),
    alertedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was broken last; null if never since it was frozen.',
      resolve: (baseline) => (isBroken(baseline) ? baseline.alertedAt : null),
    }),
    alert: t.field({
      type: BaselineAlert,
      nullable: true,
      description: 'How it was broken last.',
      resolve: (baseline) => (isBroken(baseline) ? asAlert(baseline.alert) : null),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When its owner froze it or began anew, last.',
    }),
  }),
});

/** What a baseline holds: frozen, as it was; otherwise as the log has it, before a time. */
export async function usualOf(
  db: ReturnType<typeof rows>,
  { agentId, since, frozenAt, learned }: Stored,
  until = new Date(),
): Promise<readonly Usual[]> {
  return frozenAt === null ? await learn(db, agentId, since, until) : asUsual(learned);
}

builder.prismaObjectField(Agent, 'baseline', (t) =>
  t.relation('baseline', {
    nullable: true,
    description: 'What is usual for it; null until its owner has that learned.',
  }),
);

registerNode('Baseline');
