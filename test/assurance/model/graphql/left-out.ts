// What of the schema the comparison through GraphQL leaves out, as `Type.field`, each with the reason. Whatever is neither tried nor
// here fails coverage.ts, and so does what is here and no longer in the schema.

const EVENTS =
  'What a subscription tells is read again in a context of its own, under the same policies as what is read here; who is told of what is for test/live.';
const EXPLAINED =
  'What is said of a capability or a policy is compared with what they do, in test/access and test/policies; it leads to no row but by its id.';
const SUPPOSED =
  'The kernel answers, and is asked with supposed rules of every sort in SQL (src/assurance/outside.ts); how the field puts it is for test/permissions.';

export const LEFT_OUT: Readonly<Record<string, string>> = {
  'ActivityChange.entry': EVENTS,
  'AgentChange.agent': EVENTS,
  'ApprovalChange.approval': EVENTS,
  'BaselineChange.baseline': EVENTS,
  'DelegationChange.delegation': EVENTS,
  'MemoryChange.memory': EVENTS,
  'Query.explainAccess': EXPLAINED,
  'Query.effectivePermissions': EXPLAINED,
  'Query.permissionPreview': SUPPOSED,
  'PermissionVerdict.rule': SUPPOSED,
};
