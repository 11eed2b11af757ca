// Listening to memories.

import { listenTo } from '../api/changes.ts';
import { Memory } from './memory.ts';

listenTo(
  Memory,
  'Memory',
  'memory',
  { field: 'memoryChanged', change: 'MemoryChange', row: 'memory' },
  'Memories of the owner, and those that others share with them in worlds, as they are written, changed and deleted.',
);
