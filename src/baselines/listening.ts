// Hearing of calls that are far from what is usual.

import { listenTo } from '../api/changes.ts';
import { Baseline } from './baseline.ts';

listenTo(
  Baseline,
  'Baseline',
  'baseline',
  { field: 'baselineChanged', change: 'BaselineChange', row: 'baseline' },
  'What is usual for agents of the owner: as it is frozen and begun anew, and as an agent breaks it.',
);
