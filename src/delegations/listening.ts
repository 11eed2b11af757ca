// Listening to delegations.

import { listenTo } from '../api/changes.ts';
import { Delegation } from './delegation.ts';

listenTo(
  Delegation,
  'Delegation',
  'delegation',
  { field: 'delegationChanged', change: 'DelegationChange', row: 'delegation' },
  'Delegations of the owner, and those that the caller has granted or holds, as they are granted and ended.',
);
