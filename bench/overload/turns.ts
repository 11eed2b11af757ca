// What admission costs a request that need not wait, and one that waits for its turn among those of many tenants: `node bench/overload/turns.ts`.
//
// CPU of this process by its own account, without a server: the difference that a request would notice.

import { Admission, type Slot } from '../../src/api/admission.ts';
import type { Caller } from '../../src/auth/actor.ts';
import { median } from '../encryption/figures.ts';

const REQUESTS = 200_000;
const ROUNDS = 5;

const callerOf = (n: number) => ({ kind: 'issued', tenant: `tenant-${n}` }) as Caller;

/** Microseconds of CPU for each request. */
async function cost(work: () => Promise<void>): Promise<number> {
  await work();
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / REQUESTS);
  }
  return median(rounds);
}

const limits = { concurrent: 9, perTenant: 6, queued: 1000, queueMs: 60_000 };

const idle = await cost(async () => {
  const admission = new Admission(limits);
  const caller = callerOf(0);
  for (let n = 0; n < REQUESTS; n += 1) {
    admission.letIn(true);
    const slot = await admission.enter(caller);
    slot.release();
  }
});
process.stdout.write(`nobody waits                    ${idle.toFixed(2)} us\n`);

for (const tenants of [1, 10, 500]) {
  const waiting = await cost(async () => {
    const admission = new Admission(limits);
    const callers = Array.from({ length: tenants }, (_, n) => callerOf(n));
    let left = REQUESTS;
    await Promise.all(
      Array.from({ length: 500 }, async (_, n) => {
        while (left > 0) {
          left -= 1;
          const slot: Slot = await admission.enter(callers[n % tenants] as Caller);
          await undefined;
          slot.release();
        }
      }),
    );
  });
  process.stdout.write(
    `500 wait, of ${String(tenants).padStart(3)} tenants        ${waiting.toFixed(2)} us\n`,
  );
}
