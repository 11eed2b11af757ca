// The example's day against the server that `npm start` starts, over real connections: everything that it promises happens.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { day } from '../../examples/agent/day.ts';
import { readConfig } from '../../src/config.ts';
import { freePort } from '../../src/db/embedded.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { main } from '../../src/main.ts';
import { createTestDatabase } from '../kit/database.ts';

test('an agent works for a day under its owner’s rules, and after it was stopped gets nothing any more', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bailiwick-day-'));
  const database = await createTestDatabase();
  const running = await main(
    readConfig({
      DATABASE_URL: database.runtimeUrl,
      MIGRATION_DATABASE_URL: database.migratorUrl,
      DATA_DIR: dataDir,
      // the issuer of tokens must know its own name, and in it the port
      PORT: String(await freePort()),
      MODE: 'development',
      LOG_LEVEL: 'silent',
    }),
  );
  try {
    const { origin } = new URL(running.url);
    const { told, denied, sent, answered, rounds, stoppedAfterMs, afterwards } = await day(origin);
    expect([denied, sent]).toEqual([true, true]);
    expect(answered).toContain('Beans need support');
    expect(answered).not.toContain(SERVICES.tracker.secret);
    expect(told).toEqual(
      expect.arrayContaining([
        'scout bank accounts.close: DENY',
        'scout calendar events.create: ASK',
        expect.stringMatching(
          /^alice approves calendar events.create {"at":"18:00","title":"Watering"}|{"title"/,
        ),
        'scout redeemed the approval',
        'scout tracker issues.create: the owner is asked',
        'scout tracker answered 201',
        expect.stringMatching(/^alice has ended [1-9]/),
      ]),
    );
    expect(rounds).toBeGreaterThanOrEqual(10);
    expect(stoppedAfterMs).toBeLessThan(1000);
    expect(['UNAUTHENTICATED', 0]).toContain(afterwards);
  } finally {
    await running.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true });
  }
});
