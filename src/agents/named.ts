// An agent that a caller names in what it writes.

import { optionalIdOf } from '../api/global-id.ts';
import { refuseAsNotFound } from '../api/problems.ts';
import { type Context, rows } from '../context.ts';
import type { EntityId } from '../ids.ts';

/**
 * The agent behind a global id, which must be in sight; null for none.
 *
 * @param event How the refusal is recorded; it is answered like an agent that is not there.
 */
export async function namedAgent(
  context: Context,
  globalId: string | null | undefined,
  event: string,
): Promise<EntityId | null> {
  const id = optionalIdOf<EntityId>(globalId, 'Agent');
  if (id !== null && (await rows(context).agent.count({ where: { id } })) === 0) {
    return refuseAsNotFound(event, 'agent', id);
  }
  return id;
}
