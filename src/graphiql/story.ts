// The prepared tabs of GraphiQL: isolation, told in seventeen operations that a reader runs one after the other.
//
// One file because it is one story, read from its beginning to its end.
//
// Data only. The ids in the variables come from the demo rows of this installation; the page gets the tabs, together
// with the identities that play in them, from the development endpoint. Knows no token, and nothing of GraphiQL but
// that it names a tab after its operation: hence `id`.

/** Somebody of the demo cast, as `GET /development/identities` describes one to the page. */
export type DemoIdentity = {
  readonly id: string;
  /** As it stands in the picker: `alice`, `scout for alice`. */
  readonly label: string;
  /** Slug of the tenant; empty for nobody. */
  readonly tenant: string;
  /** One clause: who acts, and for whom. */
  readonly description: string;
  /** Null for an identity that proves nothing. */
  readonly token: string | null;
  /** Value of the header `Delegation-Id`; null where the identity acts in person. */
  readonly delegationId: string | null;
  /** When the token ends, ISO 8601. */
  readonly expiresAt: string | null;
};

export type StoryTab = {
  /** Name of the operation in `query`, unique. */
  readonly id: string;
  readonly title: string;
  /** `DemoIdentity.id` of the one who asks. */
  readonly identity: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>> | null;
  /** One sentence for the bar: what to look at. */
  readonly note: string;
};

/** The answer of `GET /development/identities`. */
export type Demo = { readonly identities: readonly DemoIdentity[]; readonly tabs: readonly StoryTab[] };

/** What the story is about, as global ids. */
export type StoryIds = {
  /** A memory of alice's. */
  readonly memory: string;
  /** The world that alice and bob keep together. */
  readonly world: string;
  /** alice's agent. */
  readonly scout: string;
  /** scout's sub-agent. */
  readonly scribe: string;
  /** alice's delegation to scout. */
  readonly delegation: string;
  /** alice's credential for a service. */
  readonly credential: string;
  /** A request for approval that waits for alice. */
  readonly approval: string;
};

const WHO_AM_I = `query WhoAmI {
  viewer {
    live
    tenant { slug name }
    actor { id kind }
    owner { id kind }
    capabilities
    chain { depth capabilities expiresAt }
  }
}
`;

const MY_AGENTS_VIEW = `query MyAgentsView {
  viewer {
    live
    actor { id kind }
    owner { id kind }
    capabilities
  }
  agents(first: 5) {
    edges { node { id name status } }
  }
  memories(first: 5) {
    edges {
      node {
        id
        kind
        content
        tags
        agent { name }
      }
    }
  }
}
`;

const USE_A_SECRET = `mutation UseASecret($input: CallServiceInput!) {
  callService(input: $input) {
    __typename
    ... on ServiceAnswer { status body }
    ... on ServiceCallRefused { reason }
    ... on Problem { message }
  }
}
`;

const ASK_FIRST = `mutation AskFirst($input: AuthorizeActionInput!) {
  authorizeAction(input: $input) {
    effect
    rule { service action note }
    approval { id state expiresAt digest }
  }
}
`;

const WHAT_THEY_ASK = `query WhatTheyAsk {
  approvals(first: 5, filter: { state: WAITING }) {
    edges { node { id agent { name } service action arguments purpose expiresAt } }
  }
  permissions(first: 10) {
    edges { node { effect service action everyAgent note } }
  }
}
`;

const APPROVE = `mutation Approve($input: DecideApprovalInput!) {
  decideApproval(input: $input) {
    __typename
    ... on Approval { state note service action arguments }
    ... on ApprovalRefused { reason }
    ... on Problem { message }
  }
}
`;

const WHAT_THEY_DID = `query WhatTheyDid {
  activity(first: 10) {
    edges { node { createdAt agent { name } service action outcome summary durationMs } }
  }
}
`;

const LISTEN = `subscription Listen {
  approvalChanged {
    event
    approval { id state service action }
  }
}
`;

const SHARE_IN_A_WORLD = `mutation ShareInAWorld($input: CreateMemoryInput!) {
  createMemory(input: $input) {
    __typename
    ... on Memory { id shared content world { name } }
    ... on Problem { message }
  }
}
`;

const A_FELLOW_READS = `query AFellowReads($worldId: ID!) {
  sharedMemories(worldId: $worldId, first: 5) {
    edges { node { ownerId content } }
  }
  memories(first: 5) {
    edges { node { ownerId content } }
  }
}
`;

const KEEP_WHAT_IS_USUAL = `mutation KeepWhatIsUsual($input: FreezeBaselineInput!) {
  freezeBaseline(input: $input) {
    __typename
    ... on Baseline {
      status
      threshold
      usual { times network { host method port tls } }
    }
    ... on Problem { message }
  }
}
`;

const IS_THIS_USUAL = `query IsThisUsual(
  $agentId: ID!
  $calls: [ActivityNetworkInput!]
) {
  compareToBaseline(agentId: $agentId, calls: $calls) {
    score
    learned
    enough
    deviating {
      network { host }
      score
      deviations { dimension value weight }
    }
  }
}
`;

const WHO_HAS_READ_WHAT = `query WhoHasReadWhat {
  accessReceipts(first: 20) {
    edges {
      node { day operation kind rowId times agent { name } }
    }
  }
}
`;

const REDELEGATE = `mutation Redelegate($input: RedelegateInput!) {
  redelegate(input: $input) {
    __typename
    ... on Delegation { id expiresAt }
    ... on DelegationRefused { reason }
    ... on Problem { message }
  }
}
`;

const A_STRANGER_TRIES = `query AStrangerTries($id: ID!) {
  node(id: $id) {
    __typename
    ... on Memory { kind content }
  }
  memories(first: 5) {
    edges { node { id content } }
  }
}
`;

const REVOKE = `mutation Revoke($input: RevokeDelegationInput!) {
  revokeDelegation(input: $input) {
    __typename
    ... on RevokedDelegation { delegationId revokedAt }
    ... on Problem { message }
  }
}
`;

const NOTHING_LEFT = `query NothingLeft {
  viewer {
    live
    capabilities
    chain { depth revokedAt }
  }
  agents(first: 5) {
    edges { node { id name } }
  }
  memories(first: 5) {
    edges { node { id content } }
  }
}
`;

/** The story, in the order in which it is told. */
export function storyTabs(ids: StoryIds): readonly StoryTab[] {
  return [
    {
      id: 'WhoAmI',
      title: '1 Who am I?',
      identity: 'alice',
      query: WHO_AM_I,
      variables: null,
      note: 'Alice acts in person: actor and owner are the same, and no delegation stands between them.',
    },
    {
      id: 'MyAgentsView',
      title: "2 My agent's view",
      identity: 'scout',
      query: MY_AGENTS_VIEW,
      variables: null,
      note: 'Scout acts, alice owns: it reads her rows, exactly as far as her delegation allows.',
    },
    {
      id: 'UseASecret',
      title: '3 Use a secret',
      identity: 'scout',
      query: USE_A_SECRET,
      variables: {
        input: { credentialId: ids.credential, call: 'issues.list', parameters: { bed: 'lower' } },
      },
      note: "Scout has alice's tracker called with her token, which it never sees: the answer comes back without it.",
    },
    {
      id: 'AskFirst',
      title: '4 Ask first',
      identity: 'scout',
      query: ASK_FIRST,
      variables: {
        input: {
          service: 'shop',
          action: 'orders.place',
          arguments: { item: 'bean poles', count: 8 },
          purpose: 'The beans have outgrown theirs',
        },
      },
      note: "Scout asks before it acts. Alice's rules say ASK, so she is asked: about exactly this, once.",
    },
    {
      id: 'WhatTheyAsk',
      title: '5 What my agents ask',
      identity: 'alice',
      query: WHAT_THEY_ASK,
      variables: null,
      note: 'Alice sees who asks for what, in full, and the rules by which they had to ask.',
    },
    {
      id: 'Approve',
      title: '6 Approve',
      identity: 'alice',
      query: APPROVE,
      variables: { input: { id: ids.approval, decision: 'APPROVE', note: 'Give them my best' } },
      note: 'Alice says yes, once, to this and nothing else. A second time, the answer is ApprovalRefused.',
    },
    {
      id: 'WhatTheyDid',
      title: '7 What they did',
      identity: 'alice',
      query: WHAT_THEY_DID,
      variables: null,
      note: 'Every call and every decision is in the log of what agents do, which nobody changes.',
    },
    {
      id: 'Listen',
      title: '8 Listen',
      identity: 'alice',
      query: LISTEN,
      variables: null,
      note: 'Run this, then tab 4 with other arguments in another window: the request comes in by itself.',
    },
    {
      id: 'ShareInAWorld',
      title: '9 Share in a world',
      identity: 'alice',
      query: SHARE_IN_A_WORLD,
      variables: {
        input: {
          content: 'The key of the shed hangs behind the water butt.',
          worldId: ids.world,
          shared: true,
        },
      },
      note: 'Alice tells everybody who takes part in the Garden. Without shared it would stay hers.',
    },
    {
      id: 'AFellowReads',
      title: '10 A fellow reads it',
      identity: 'bob',
      query: A_FELLOW_READS,
      variables: { worldId: ids.world },
      note: 'Bob is a member and reads what alice shares there; the rest of hers he does not see. When he leaves, it is gone.',
    },
    {
      id: 'KeepWhatIsUsual',
      title: '11 Keep what is usual',
      identity: 'alice',
      query: KEEP_WHAT_IS_USUAL,
      variables: { input: { agentId: ids.scout } },
      note: 'Where scout’s calls went so far is usual from now on; alice hears of a call that is far from it.',
    },
    {
      id: 'IsThisUsual',
      title: '12 Is this usual?',
      identity: 'alice',
      query: IS_THIS_USUAL,
      variables: {
        agentId: ids.scout,
        calls: [
          { host: 'tracker.invalid', method: 'GET', port: 443, tls: true },
          { host: 'collector.invalid', method: 'POST', port: 8443, tls: true },
        ],
      },
      note: 'The call to the tracker is as always; of the other one everything is new, and the score says so.',
    },
    {
      id: 'WhoHasReadWhat',
      title: '13 Who has read what',
      identity: 'alice',
      query: WHO_HAS_READ_WHAT,
      variables: null,
      note: 'What scout read in tab 2 has left receipts: which row, on which day, by which operation, how often.',
    },
    {
      id: 'Redelegate',
      title: '14 Re-delegate to a sub-agent',
      identity: 'scout',
      query: REDELEGATE,
      variables: { input: { delegateId: ids.scribe, capabilities: ['memory:read'], lifetimeSeconds: 1800 } },
      note: 'Scout hands on a part of what it holds. Ask for more than that and the answer is DelegationRefused.',
    },
    {
      id: 'AStrangerTries',
      title: '15 A stranger tries',
      identity: 'mallory',
      query: A_STRANGER_TRIES,
      variables: { id: ids.memory },
      note: "Mallory knows the id of alice's memory, and gets null: the same as for an id that never was.",
    },
    {
      id: 'Revoke',
      title: '16 Revoke',
      identity: 'alice',
      query: REVOKE,
      variables: { input: { id: ids.delegation } },
      note: 'Alice ends the delegation, and with it whatever scout handed on. There is nothing to wait for.',
    },
    {
      id: 'NothingLeft',
      title: '17 The next query returns nothing',
      identity: 'scout',
      query: NOTHING_LEFT,
      variables: null,
      note: 'Scout, the same token, the same delegation: not live, and no row. "Restart story" begins again.',
    },
  ];
}
