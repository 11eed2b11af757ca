// The requests of the shop's application: as it was (`old`: it sets no context) and as it becomes (`new`: every request is somebody's).
// What each does and must find stands in acts.ts; whether it may be refused is for the load to know (load.ts).

import type { Dice } from '../concurrency/dice.ts';
import type { Prepared } from './acts.ts';
import { NEW } from './new-code.ts';
import { OLD } from './old-code.ts';
import type { Things } from './things.ts';

export type Asked = {
  readonly kind: string;
  readonly weight: number;
  /** On tables that are not kept apart, so it succeeds in every phase. */
  readonly always?: true;
  /** Several statements in one transaction; those of new code always are. */
  readonly transaction?: true;
  /** Only where tables are strict: what isolation must refuse. */
  readonly strict?: true;
  /** @returns undefined where there is nothing to do it with. */
  readonly prepare: (things: Things, roll: Dice, strict: boolean) => Prepared | undefined;
};

export type Request = Asked & { readonly code: 'old' | 'new' };

export const REQUESTS: readonly Request[] = [
  ...OLD.map((one): Request => ({ code: 'old', ...one })),
  ...NEW.map((one): Request => ({ code: 'new', ...one })),
];
