// What every voice tries with what is shared in worlds: its block of ACCESS.txt, sharing and taking back in everybody's name and
// everywhere, and changing what has stayed shared where its owner is no member any more.
//
// Data, no assertions: what came of it is printed and compared elsewhere (matrix.ts, test/assurance/mutation).

import { ACTORS, type ActorName, id, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { ATTIC, insertion, memoryOf, STUDY } from './arrangement.ts';
import type { Block, Statement } from './attempts.ts';
import { GUESTS, SHARED } from './sharing.ts';
import { personOf, type Relation, type Voice } from './voices.ts';
import { DATA_KEYS, under } from './wrapped.ts';

const NEW = id<string>(9, '1');
const { garden, workshop, vault } = WORLDS;
const PLACES = { garden: garden.id, study: STUDY, attic: ATTIC, workshop: workshop.id, vault: vault.id };
type Place = keyof typeof PLACES;
const HOME: Readonly<Partial<Record<ActorName, Place>>> = {
  alice: 'study',
  bob: 'workshop',
  mallory: 'vault',
};

/** In which world the row stands that is in that relation to the voice. */
function placeOf(who: ActorName, relation: Relation, { actor }: Voice): Place | undefined {
  const guest = actor === 'ada';
  switch (relation) {
    case 'garden':
      return 'garden';
    case 'shared':
      return guest ? 'study' : 'garden';
    case 'foreign':
      return guest || actor === undefined ? 'garden' : HOME[who];
    default:
      return HOME[who];
  }
}

export const SHARING_BLOCKS: readonly Block[] = [
  {
    table: 'memories',
    kind: 'shared one',
    key: 'id',
    set: "kind = 'changed'",
    relations: ['own', 'owner', 'garden', 'shared', 'foreign', 'other'],
    row: (who, relation, voice) => {
      const place = placeOf(who, relation, voice);
      return SHARED[`${who} ${place}` as keyof typeof SHARED];
    },
    make: (who, relation, voice) => ({
      id: NEW,
      owner_id: ACTORS[who].id,
      // somebody's own in a world that is not theirs to share in, where they have none
      world_id: PLACES[placeOf(who, relation, voice) ?? (personOf(who) === 'ada' ? 'study' : 'garden')],
      shared: true,
      content: 'New.',
      tags: [],
    }),
  },
];

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

/** Who tries to share where: members, a guest, who has left or never was there; in a world that is archived, and in none. */
const SHARES = {
  alice: ['garden', 'study', 'attic', 'workshop', 'no world'],
  bob: ['garden', 'study', 'workshop'],
  ada: ['study', 'garden'],
} as const;

/** What the probe asks about sharing. */
export function sharing(attempt: Attempt): void {
  const share = (name: string, row: Readonly<Record<string, unknown>>) =>
    attempt(
      'memories',
      name,
      insertion('memories', {
        ...{ tenant_id: TENANTS.acme.id, id: NEW, content: 'New.', tags: [], shared: true, ...row },
      }),
    );
  const places = { ...PLACES, 'no world': null };
  for (const [who, where] of Object.entries(SHARES)) {
    for (const place of where) {
      const { id: owner_id } = USERS[who as keyof typeof SHARES];
      share(`what ${who} shares in ${place}`, { owner_id, world_id: places[place] });
    }
  }
  const sealed = under(DATA_KEYS.alice);
  const secret = { sensitive: true, content: sealed, metadata: JSON.stringify(sealed) };
  share('a secret that alice shares', { owner_id: USERS.alice.id, world_id: garden.id, ...secret });
  const set = (what: string, to: string, key: string | undefined) =>
    attempt('memories', what, {
      text: `update memories set ${to} where tenant_id = $1 and id = $2`,
      values: [TENANTS.acme.id, key],
    });
  for (const what of ['alice garden', 'alice attic', 'bob attic', 'bob study'] as const) {
    set(`a change of what is shared by ${what}`, "kind = 'changed'", SHARED[what]);
    set(`taking back of what is shared by ${what}`, 'shared = false', SHARED[what]);
  }
  set('sharing of what a guest has in the study', 'shared = true', GUESTS);
  set('sharing of what stands in the garden', 'shared = true', memoryOf('alice', 'garden'));
  set('sharing of what stands nowhere', 'shared = true', memoryOf('alice'));
}
