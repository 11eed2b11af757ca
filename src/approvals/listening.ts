// Listening to approvals.

import { listenTo } from '../api/changes.ts';
import { Approval } from './approval.ts';

listenTo(
  Approval,
  'Approval',
  'approval',
  { field: 'approvalChanged', change: 'ApprovalChange', row: 'approval' },
  'Requests for approval, as they are asked, decided on and made use of: all for the owner, its own for an agent.',
);
