// Comparing calls with what is usual for an agent: those of its log, or those it is about to make.

import { ActivityNetwork, networkShape } from '../activity/entry.ts';
import { ActivityNetworkInput } from '../activity/mutations.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { checked, dropNulls } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import {
  type Compared,
  compare,
  compareLogged,
  MOST_COMPARED,
  MOST_USUAL,
  type Usual,
} from '../db/baselines.ts';
import { BailiwickError } from '../errors.ts';
import { DeviationObject, UsualCall, usualOf } from './baseline.ts';

/** Milliseconds of the log that are compared where nothing else is said. */
const DAY = 86_400_000;

/** Calls below which nothing can be called usual yet. */
const ENOUGH = 20;

const ComparedCall = builder.objectRef<Compared>('ComparedCall').implement({
  description: 'A call of an agent, compared with what is usual.',
  fields: (t) => ({
    network: t.field({
      type: ActivityNetwork,
      description: 'Where it went.',
      resolve: ({ network }) => network,
    }),
    entryId: t.id({
      nullable: true,
      description: 'Global id of its entry in the log; null where the caller told of it.',
      resolve: ({ entryId }) => (entryId === null ? null : toGlobalId('ActivityEntry', entryId)),
    }),
    score: t.exposeFloat('score', { description: 'How far it is from what is usual: 0 to below 1.' }),
    deviations: t.field({
      type: [DeviationObject],
      description: 'What is unusual, the gravest first.',
      extensions: { rows: 5 },
      resolve: ({ deviations }) => [...deviations],
    }),
  }),
});

type Comparison = { readonly usual: readonly Usual[]; readonly calls: readonly Compared[] };

const counted = ({ usual }: Comparison): number => usual.reduce((sum, { times }) => sum + times, 0);

const BaselineComparison = builder.objectRef<Comparison>('BaselineComparison').implement({
  description: 'How far calls of an agent are from what is usual for it.',
  fields: (t) => ({
    score: t.float({
      description: 'Of the farthest call; 0 where all is usual.',
      resolve: ({ calls }) => Math.max(0, ...calls.map(({ score }) => score)),
    }),
    compared: t.int({ description: 'How many calls were compared.', resolve: ({ calls }) => calls.length }),
    learned: t.int({ description: 'From how many calls is known what is usual.', resolve: counted }),
    usual: t.field({
      type: [UsualCall],
      description:
        'What is usual, the most frequent first. Of one that is learned, nothing where the caller may not read the log.',
      extensions: { rows: MOST_USUAL },
      resolve: ({ usual }) => [...usual],
    }),
    enough: t.boolean({
      description: `Whether that is enough to say so: at least ${ENOUGH}.`,
      resolve: (comparison) => counted(comparison) >= ENOUGH,
    }),
    deviating: t.field({
      type: [ComparedCall],
      description: 'The calls that are not as usual, the farthest first.',
      extensions: { rows: MOST_COMPARED },
      resolve: ({ calls }) => calls.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score),
    }),
  }),
});

builder.queryField('compareToBaseline', (t) =>
  t.field({
    type: BaselineComparison,
    nullable: true,
    description:
      'How far calls of an agent are from what is usual for it. Null where there is no baseline that you may know of.',
    args: {
      agentId: t.arg.id({ description: 'Whose calls.' }),
      calls: t.arg({
        type: [ActivityNetworkInput],
        required: false,
        description: `Calls to compare, at most ${MOST_COMPARED}, such as those it is about to make; left out: those of the log.`,
      }),
      since: t.arg({
        type: 'DateTime',
        required: false,
        description: `Those of the log from this time on, the newest ${MOST_COMPARED}; left out: of a day. While it is learned, what was before is usual.`,
      }),
    },
    resolve: async (_root, { agentId, calls, since }, context) => {
      if ((calls?.length ?? 0) > MOST_COMPARED) {
        throw new BailiwickError('LIMIT_EXCEEDED', `calls must have at most ${MOST_COMPARED} items`);
      }
      const said = calls?.map((call) => checked(networkShape, dropNulls(call)));
      const db = rows(context);
      const baseline = await db.baseline.findFirst({ where: { agentId: idOf(agentId, 'Agent') } });
      if (baseline === null) {
        return null;
      }
      const from = since ?? new Date(Date.now() - DAY);
      const usual = await usualOf(db, baseline, said === undefined ? from : undefined);
      return {
        usual,
        calls:
          said === undefined
            ? await compareLogged(db, usual, baseline.agentId, from)
            : await compare(db, usual, said),
      };
    },
  }),
);
