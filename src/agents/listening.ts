// Listening to agents.

import { listenTo } from '../api/changes.ts';
import { Agent } from './agent.ts';

listenTo(
  Agent,
  'Agent',
  'agent',
  { field: 'agentChanged', change: 'AgentChange', row: 'agent' },
  'Agents of the owner, as they are made, changed, suspended and stopped.',
);
