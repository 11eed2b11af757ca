// Listening to what agents do.

import { listenTo } from '../api/changes.ts';
import { ActivityEntry } from './entry.ts';

listenTo(
  ActivityEntry,
  'ActivityEntry',
  'activity',
  { field: 'activityRecorded', change: 'ActivityChange', row: 'entry' },
  'What agents do for the owner, as it is recorded: all for the owner, its own for an agent.',
);
