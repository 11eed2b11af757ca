// Where the product's plans break the contract today, and why that is borne. An excuse names the operations, the rules and
// the most rows that may be read; whatever goes beyond it fails, and so does a rule that nothing needs to be excused from
// any more. Every entry is a known shortcoming and none is a permission for the next.

import type { WhoName } from './asking.ts';
import type { Breach, Rule } from './contract.ts';
import type { Mode, Observed } from './explain.ts';

export type Excuse = {
  readonly operations: RegExp;
  readonly rules: readonly Rule[];
  /** Everybody, unless said. */
  readonly who?: readonly WhoName[];
  /** Both, unless said. */
  readonly mode?: Mode;
  /** Of the data set: more than this was not read when the excuse was made. */
  readonly most: number;
  readonly reason: string;
};

export const EXCUSED: readonly Excuse[] = [
  {
    operations: /^memories by UPDATED /,
    rules: ['index', 'bounded', 'order'],
    most: 19_000,
    reason: 'no index has the time of the last change',
  },
  {
    operations: /^memories of (sensitive (true|false)|tags|createdAfter|createdBefore)$/,
    rules: ['index', 'bounded', 'order'],
    most: 19_000,
    reason: 'no index has these columns, so a filter on them reads what its owner has',
  },
  {
    operations: /^keys of holders$/,
    rules: ['bounded'],
    most: 400,
    reason:
      '"her own or of an agent of hers" can be entered by the owner, and then the keys of all her agents are read for the few that are wanted',
  },
  {
    operations: /^searchMemories\b/,
    rules: ['index', 'bounded', 'order'],
    most: 19_000,
    reason:
      'the index of words cannot be used below row security, because @@ is not leakproof; and ranking reads all that match',
  },
  {
    operations: /^agents\b/,
    rules: ['bounded', 'order'],
    most: 4_000,
    reason:
      'archived ones are left out by a column of another table, and "owned or itself" has no order: all of the owner are read, with what hangs on them, and then sorted',
  },
  {
    operations: /^worlds\b/,
    rules: ['index', 'bounded', 'order', 'row'],
    most: 2_000,
    reason:
      '"owned or taken part in" has no order, and the second layer asks for the membership world by world',
  },
  {
    operations: /^members\b/,
    rules: ['index', 'bounded', 'order', 'row'],
    most: 6_000,
    reason:
      '"of a world owned or taken part in" has no order, the second layer asks world by world, and no index leads with the owner',
  },
  {
    operations: /^RemoveWorldMember by leaving$/,
    rules: ['bounded'],
    mode: 'generic',
    most: 600,
    reason: 'the second layer looks for the world among all that the owner takes part in',
  },
  {
    operations: /^delegations(Granted|Held) by EXPIRES /,
    rules: ['index', 'bounded', 'order'],
    most: 4_000,
    reason: 'no index has the end of a delegation',
  },
  {
    operations: /^delegationsHeld of (ended (true|false)|worldId)$/,
    rules: ['bounded'],
    most: 600,
    reason: 'no index of what an agent holds has these columns, so a filter on them reads all that it holds',
  },
  {
    operations: /^credentials\b/,
    rules: ['index'],
    who: ['administrator'],
    most: 210,
    reason:
      'an administrator pages through the keys of the tenant, so the tenant is all that its index is entered by; the page keeps the order of that index and stops early',
  },
  {
    operations: /^approvals\b/,
    rules: ['bounded', 'order'],
    most: 1_400,
    reason:
      'no index has the service or the state; and as an average owner has few requests, a plan for all values reads those of the owner, or of the agent, and sorts them',
  },
  {
    operations: /^AuthorizeAction$/,
    rules: ['bounded'],
    who: ['agent for big'],
    mode: 'generic',
    most: 400,
    reason:
      'a request like this one is looked for among all that the agent has asked for, and not by its digest',
  },
  {
    operations: /^activity( of (outcome|service|until)\b.*| by CREATED DESC.*)?$/,
    rules: ['bounded', 'order'],
    mode: 'custom',
    most: 2_400,
    reason:
      '"the agent itself or the owner" is thought to be rarer than it is, and for an agent the second layer makes two look-ups of it: what the index finds is read and sorted, where its order would do',
  },
  {
    operations: /^sharedMemories of agentId$/,
    rules: ['index'],
    most: 50,
    reason:
      'whose memories are shared is not said, and an agent has one owner: what the agent keeps is found by it alone, past the owner that leads the index',
  },
  {
    operations: /^sharedMemories\b/,
    rules: ['bounded', 'order'],
    most: 2_000,
    reason:
      '"own or shared" is thought to be rarer than it is: all that is shared in the one world is read, by its own index, or by that of the world where one plan is made for all values, and then sorted',
  },
  {
    operations: /^accessReceipts of (operation|to)$/,
    rules: ['bounded'],
    who: ['big'],
    most: 2_700,
    reason:
      'the day and the operation stand in no index in which a page has its order: it keeps that order, stops when it is full, and passes over what is newer or was read otherwise',
  },
  {
    operations: /^(compareToBaseline learned, .*|FreezeBaseline of much)$/,
    rules: ['bounded', 'order'],
    who: ['big'],
    most: 1_000,
    reason:
      'what is usual is counted, of the calls of one agent in the time from which it learns and of ten thousand at most',
  },
  {
    operations: /^credentials$/,
    rules: ['bounded'],
    who: ['agent for big', 'agent for big in one world'],
    most: 300,
    reason:
      'nobody sees a key under a delegation, and the second layer asks for those of the owner all the same: all are read and none is shown',
  },
];

/** Whether an excuse is about an operation and its asker at all. */
export const isAbout = ({ operations, who }: Excuse, { asked }: Observed): boolean =>
  operations.test(asked.name) && (who?.includes(asked.who) ?? true);

/** What lets a breach pass, if anything does. */
export function excuseFor(observed: Observed, breach: Breach): Excuse | undefined {
  const { mode } = observed;
  return EXCUSED.find(
    (excuse) =>
      isAbout(excuse, observed) &&
      excuse.rules.includes(breach.rule) &&
      (excuse.mode === undefined || excuse.mode === mode) &&
      breach.rows <= excuse.most,
  );
}
