// Having learned what is usual for an agent, freezing it, and beginning anew: its owner, in person. Who may:
// prisma/policies/29-baselines.sql.

import { z } from 'zod';
import { idOf } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { checked, dropNulls, given } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { type Context, rows } from '../context.ts';
import { learn } from '../db/baselines.ts';
import { BailiwickError } from '../errors.ts';
import { type BaselineId, newId } from '../ids.ts';
import { Baseline } from './baseline.ts';

const threshold = z.number().min(0.05, 'must be at least 0.05').max(1, 'must be at most 1').optional();

/** Milliseconds of the log that are learned from where nobody has said from when on. */
const LEARNED_MS = 30 * 86_400_000;

const FreezeBaselineInput = builder.inputType('FreezeBaselineInput', {
  description: 'Whose calls are to stay as they are.',
  fields: (t) => ({
    agentId: t.id({ description: 'The agent, one of yours.' }),
    threshold: t.float({
      required: false,
      description:
        'From which score on you hear of a call, 0.05 to 1; left out: as it was, at first 0.5. An unknown host alone is 0.9, an unknown method 0.4.',
    }),
  }),
});

const ResetBaselineInput = builder.inputType('ResetBaselineInput', {
  description: 'Whose calls are to be learned anew.',
  fields: (t) => ({
    agentId: t.id({ description: 'The agent, one of yours.' }),
    since: t.field({
      type: 'DateTime',
      required: false,
      description: 'From when on the log is learned from; left out: from now on.',
    }),
  }),
});

type Changes = {
  readonly since?: Date;
  readonly frozenAt: Date | null;
  readonly learned: unknown;
  readonly threshold?: number | undefined;
};

/** The baseline of an agent that must be in sight; null where there is none yet. */
async function baselineOf(context: Context, agentId: string, refused: string) {
  const agent = await rows(context).agent.findFirst({
    where: { id: agentId },
    select: { baseline: { select: { id: true, since: true } } },
  });
  return agent === null ? refuseAsNotFound(refused, 'agent', agentId) : agent.baseline;
}

/** Writes a baseline, the first time or again. */
async function write(
  context: Context,
  event: string,
  agentId: string,
  there: { readonly id: string } | null,
  data: Changes,
): Promise<BaselineId> {
  const id = (there?.id as BaselineId | undefined) ?? newId<BaselineId>();
  const { baseline } = rows(context);
  const { count } = await (there === null
    ? baseline.createMany({ data: { id, agentId, ...data } as never })
    : baseline.updateMany({ where: { id }, data: data as never }));
  if (count === 0) {
    // in sight and not theirs to change: as where there is none, and they may not make one
    throw new BailiwickError('FORBIDDEN');
  }
  await recordChange(event, 'baseline', id, { agentId, threshold: data.threshold });
  return id;
}

builder.mutationField('freezeBaseline', (t) =>
  t.field({
    type: Baseline,
    errors: { types: [NotFound] },
    description:
      'Keeps what is usual for an agent as its log has it now: of what is far from it you hear. Where nothing was learned yet, the last thirty days are usual. In person only.',
    args: { input: t.arg({ type: FreezeBaselineInput, description: 'Whose.' }) },
    resolve: async (_root, { input }, context, info) => {
      const agentId = idOf(input.agentId, 'Agent');
      const said = checked(z.object({ threshold }), dropNulls({ threshold: input.threshold }));
      const there = await baselineOf(context, agentId, 'baseline.freeze_refused');
      const now = new Date();
      const since = there?.since ?? new Date(now.getTime() - LEARNED_MS);
      const learned = await learn(rows(context), agentId, since, now);
      const id = await write(context, 'baseline.frozen', agentId, there, {
        since,
        frozenAt: now,
        learned,
        ...given(said),
      });
      return await readWritten(context, info, 'Baseline', id);
    },
  }),
);

builder.mutationField('resetBaseline', (t) =>
  t.field({
    type: Baseline,
    errors: { types: [NotFound] },
    description: 'Forgets what was usual for an agent, and learns it anew. In person only.',
    args: { input: t.arg({ type: ResetBaselineInput, description: 'Whose.' }) },
    resolve: async (_root, { input }, context, info) => {
      const agentId = idOf(input.agentId, 'Agent');
      const there = await baselineOf(context, agentId, 'baseline.reset_refused');
      const id = await write(context, 'baseline.reset', agentId, there, {
        since: input.since ?? new Date(),
        frozenAt: null,
        learned: [],
      });
      return await readWritten(context, info, 'Baseline', id);
    },
  }),
);
