// The same comparison over hundreds of worlds; as many as somebody likes by WORLDS and SEED (stage.ts).

import { expect } from 'vitest';
import { report } from '../../kit/report.ts';
import { chosen, compareWorlds, test } from './stage.ts';

test('in three hundred random worlds nothing differs from the model', { timeout: 0 }, async ({ stage }) => {
  const choice = chosen(300);
  const answers = await compareWorlds(stage, choice);
  expect(answers).toBeGreaterThan(choice.count * 100);
  report({
    instrument: 'model',
    what: 'random worlds through SQL',
    figures: { worlds: choice.count, seed: choice.seed, answers, differences: 0 },
  });
});
