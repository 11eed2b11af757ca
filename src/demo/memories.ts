// What the cast remembers: several memories for everybody, some in worlds, some written by an agent for its owner.
//
// Scout and Scribe also remember something of their own. Whoever reads as Alice through Scout must not meet it: under a
// delegation there is one authority, the owner's, and the agent's own rows are out of view.

import type { MemoryId } from '../ids.ts';
import { type ActorName, type AgentName, id, type WorldName } from './cast.ts';

const memory = (last: string): MemoryId => id(6, last);

export type Note = {
  readonly id: MemoryId;
  readonly owner: ActorName;
  /** Who wrote it, where not the owner; an agent wrote it through the delegation of its own name. */
  readonly by?: AgentName;
  readonly world?: WorldName;
  readonly kind: string;
  readonly content: string;
  readonly tags: readonly string[];
  /** Encrypted. */
  readonly sensitive?: true;
};
export const MEMORIES: readonly Note[] = [
  {
    id: memory('a11ce01'),
    owner: 'alice',
    kind: 'preference',
    content: 'Prefers summaries of at most one page, sources at the end.',
    tags: ['writing'],
  },
  {
    id: memory('a11ce02'),
    owner: 'alice',
    kind: 'fact',
    content: 'The move to Lisbon is planned for the second half of March.',
    tags: ['private', 'travel'],
  },
  {
    id: memory('a11ce03'),
    owner: 'alice',
    by: 'scout',
    kind: 'fact',
    content: 'The soil survey of 2024 gives pH 6.4 for the lower beds; the report is in the parish archive.',
    tags: ['soil', 'source'],
  },
  {
    id: memory('a11ce04'),
    owner: 'alice',
    by: 'scout',
    kind: 'note',
    content: 'Three papers on slug control worth reading; the one from Uppsala has field data.',
    tags: ['reading'],
  },
  {
    id: memory('a11ce05'),
    owner: 'alice',
    world: 'garden',
    kind: 'note',
    content: 'Tomatoes by the south wall did best; move the beans to the shade next year.',
    tags: ['plan', 'beds'],
  },
  {
    id: memory('a11ce06'),
    owner: 'alice',
    by: 'scout',
    world: 'garden',
    kind: 'task',
    content: 'Ask the allotment society about the water butt before April.',
    tags: ['water'],
  },
  {
    id: memory('a11ce07'),
    owner: 'alice',
    kind: 'contact',
    content: 'Dr. Iyer answers on Tuesdays and prefers the telephone.',
    sensitive: true,
    tags: ['people'],
  },
  {
    id: memory('b0b01'),
    owner: 'bob',
    kind: 'fact',
    content: 'The lathe needs a 6204 bearing; two are in the grey drawer.',
    tags: ['parts'],
  },
  {
    id: memory('b0b02'),
    owner: 'bob',
    by: 'bobot',
    kind: 'note',
    content: 'Quoted price for birch plywood, 18 mm: 61 per sheet, valid for two weeks.',
    tags: ['prices'],
  },
  {
    id: memory('b0b03'),
    owner: 'bob',
    world: 'workshop',
    kind: 'task',
    content: 'Sharpen the chisels; the 12 mm one is with Alice.',
    tags: ['tools', 'lent'],
  },
  {
    id: memory('b0b04'),
    owner: 'bob',
    world: 'garden',
    kind: 'note',
    content: 'The gate hinge squeaks. Own up to having backed the trailer into it.',
    tags: ['confession'],
  },
  {
    id: memory('ada01'),
    owner: 'ada',
    kind: 'note',
    content: 'Review of agent ceilings is due in the first week of each quarter.',
    tags: ['administration'],
  },
  {
    id: memory('bad01'),
    owner: 'mallory',
    kind: 'fact',
    content: 'Acme will probably move to Lisbon; find out when.',
    tags: ['rumour'],
  },
  {
    id: memory('bad02'),
    owner: 'mallory',
    by: 'mimic',
    kind: 'note',
    content: 'Copper up two per cent before the bell, on thin trade.',
    tags: ['market'],
  },
  {
    id: memory('bad03'),
    owner: 'mallory',
    world: 'vault',
    kind: 'note',
    content: 'Combination changed on Monday; the old one is in the safe.',
    sensitive: true,
    tags: ['keys'],
  },
  {
    id: memory('5c00701'),
    owner: 'scout',
    kind: 'lesson',
    content: 'The archive answers faster before ten in the morning.',
    tags: ['method'],
  },
  {
    id: memory('5c1be01'),
    owner: 'scribe',
    kind: 'lesson',
    content: 'Short sentences survive editing.',
    tags: ['method'],
  },
];
