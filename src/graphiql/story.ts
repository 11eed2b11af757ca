// The prepared tabs of GraphiQL: isolation, told in seven operations that a reader runs one after the other.
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
  /** scout's sub-agent. */
  readonly scribe: string;
  /** alice's delegation to scout. */
  readonly delegation: string;
  /** alice's credential for a service. */
  readonly credential: string;
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
      id: 'Redelegate',
      title: '4 Re-delegate to a sub-agent',
      identity: 'scout',
      query: REDELEGATE,
      variables: { input: { delegateId: ids.scribe, capabilities: ['memory:read'], lifetimeSeconds: 1800 } },
      note: 'Scout hands on a part of what it holds. Ask for more than that and the answer is DelegationRefused.',
    },
    {
      id: 'AStrangerTries',
      title: '5 A stranger tries',
      identity: 'mallory',
      query: A_STRANGER_TRIES,
      variables: { id: ids.memory },
      note: "Mallory knows the id of alice's memory, and gets null: the same as for an id that never was.",
    },
    {
      id: 'Revoke',
      title: '6 Revoke',
      identity: 'alice',
      query: REVOKE,
      variables: { input: { id: ids.delegation } },
      note: 'Alice ends the delegation, and with it whatever scout handed on. There is nothing to wait for.',
    },
    {
      id: 'NothingLeft',
      title: '7 The next query returns nothing',
      identity: 'scout',
      query: NOTHING_LEFT,
      variables: null,
      note: 'Scout, the same token, the same delegation: not live, and no row. "Restart story" begins again.',
    },
  ];
}
