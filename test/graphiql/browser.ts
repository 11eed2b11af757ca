// A real Chromium, with a profile of its own and cut off from every other host, looking at one page.
//
// Whatever the page does that a good page does not is collected in `faults`: requests to other hosts, messages in the
// console, exceptions, violations of its own policy. No Chromium is downloaded: `CHROMIUM`, or /usr/bin/chromium.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';

const candidate = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Where Chromium is; undefined when there is none. */
export const CHROMIUM = existsSync(candidate) ? candidate : undefined;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // what Chromium itself still asks for (accounts, updates, autofill) does not leave the machine
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export type Browser = AsyncDisposable & { readonly page: Page; readonly faults: readonly string[] };

export async function openBrowser(executablePath: string, origin: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'graphiql-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: FLAGS,
  });
  const faults: string[] = [];
  context.on('request', (request) => {
    const { protocol, origin: host } = new URL(request.url());
    if (protocol !== 'blob:' && protocol !== 'data:' && host !== origin) {
      faults.push(`request to ${request.url()}`);
    }
  });
  await context.exposeFunction('reportFault', (fault: string) => faults.push(fault));
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      reportFault('policy: ' + violatedDirective + ' ' + blockedURI))`,
  );
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      faults.push(`console: ${message.text()}`);
    }
  });
  return {
    page,
    faults,
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
