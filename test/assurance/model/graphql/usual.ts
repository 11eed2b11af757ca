// What the model says of the mutations of baselines: freezing what is usual for an agent, and beginning anew.

import { mayInsert } from '../rules.ts';
import {
  changeable,
  changed,
  FORBIDDEN,
  found,
  globalId,
  namesOf,
  type Scene,
  seesNew,
  type Tried,
  UNREADABLE,
} from './scene.ts';

/** What stands there and the caller does not see. */
const CONFLICT = 'error CONFLICT';

function ofEach(scene: Scene, more: object = {}): Tried[] {
  return namesOf(scene.world, 'Agent').map((agent) => {
    const index = Number(agent.slice(1));
    const there = scene.rows.find((row) => row.baseline?.agent === index);
    const seen = there !== undefined && found(scene, 'Baseline', there.name);
    return {
      what: agent,
      input: { agentId: globalId('Agent', agent), ...more },
      outcome: !found(scene, 'Agent', agent)
        ? 'NotFound'
        : seen
          ? changeable(scene, there)
            ? `Baseline ${there.name}`
            : FORBIDDEN
          : making(scene, index, there !== undefined),
      changes: [seen ? changed(scene, 'baselines', there.name) : '+baselines'],
    };
  });
}

function making(scene: Scene, agent: number, hidden: boolean): string {
  const { a } = scene;
  if (!mayInsert(a, 'baselines', { tenant: a.at, owner: a.owner, agent })) {
    return FORBIDDEN;
  }
  return hidden
    ? CONFLICT
    : seesNew(scene, 'baselines', { baseline: { agent, frozen: false, lenient: false } })
      ? 'Baseline'
      : UNREADABLE;
}

export const OF_USUAL = {
  freezeBaseline: (scene: Scene) => ofEach(scene, { threshold: 0.75 }),
  resetBaseline: (scene: Scene) => ofEach(scene),
};
