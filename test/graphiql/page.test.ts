// The GraphiQL page: asks no other host for anything, runs no script but its own, and sends what the bar shows.
//
// Seen with Chromium where the machine has one. Without, the page is read as text, and the names of the tests say so.

import { createHash } from 'node:crypto';
import { parse, validate } from 'graphql';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { PAGE_HEADERS, renderPage } from '../../src/graphiql/page.ts';
import { storyTabs } from '../../src/graphiql/story.ts';
import { schema } from '../../src/schema.ts';
import { CHROMIUM, openBrowser } from './browser.ts';
import { startPageServer } from './server.ts';

const html = await renderPage({ endpoint: '/graphql', identitiesUrl: '/development/identities' });
const policy = PAGE_HEADERS['Content-Security-Policy'] ?? '';
const SCRIPTS = /<script( type="application\/json"[^>]*|)>([\s\S]*?)<\/script>/g;
const SLOW = 120_000;

test('read as text: the page refers to no address, its own or foreign, and imports no style', () => {
  const markup = html.replaceAll(SCRIPTS, '');
  expect(markup.match(/<[^>]+\b(src|srcset|href|action)=(?!["']?data:)[^>]*>/gi)).toBeNull();
  expect(markup.match(/url\((?!["']?(data:|#))[^)]*\)/gi)).toBeNull();
  expect(markup.match(/@import/gi)).toBeNull();
});

test('read as text: the policy admits the one script of the page, which names no host, and no host but its own', () => {
  const [code, ...others] = [...html.matchAll(SCRIPTS)]
    .filter(([, type]) => type === '')
    .map(([, , text = '']) => text);
  expect(others).toEqual([]);
  expect(code).not.toMatch(/https?:/);
  expect(policy).toContain(
    `script-src 'sha256-${createHash('sha256')
      .update(code ?? '')
      .digest('base64')}' blob:;`,
  );
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
});

test('the story is seventeen operations of our schema, each a tab that GraphiQL names as the page expects', () => {
  const tabs = storyTabs({
    memory: 'm',
    scribe: 's',
    delegation: 'd',
    credential: 'c',
    approval: 'a',
    world: 'w',
    scout: 'o',
  });
  expect(tabs.map(({ title }) => Number.parseInt(title, 10))).toEqual(tabs.map((_, index) => index + 1));
  expect(tabs).toHaveLength(17);
  for (const { id, query } of tabs) {
    const document = parse(query);
    expect(document.definitions).toMatchObject([{ kind: 'OperationDefinition', name: { value: id } }]);
    expect([id, validate(schema, document)]).toEqual([id, []]);
  }
});

if (CHROMIUM === undefined) {
  test('NOT SEEN IN A BROWSER, no Chromium here (CHROMIUM or /usr/bin/chromium): the page is read as text only', () => {
    expect(html).toContain('<select id="identity"');
  });
} else {
  const chromium = CHROMIUM;

  test('in Chromium: tabs choose the identity, the picker overrides it, the answer shows who was heard', {
    timeout: SLOW,
  }, async () => {
    await using server = await startPageServer();
    await using browser = await openBrowser(chromium, server.origin);
    const { page, faults } = browser;
    const picker = page.getByLabel('Acting as');
    await page.goto(`${server.origin}/graphql`);

    await tab(page, '1 In "person"').waitFor({ timeout: SLOW });
    expect(await picker.inputValue()).toBe('alice');
    expect(await run(page)).toEqual({ authorization: 'Bearer alice-1', delegationId: null });

    await tab(page, '2 Her agent').click();
    expect(await picker.inputValue()).toBe('scout');
    expect(await page.locator('#note').textContent()).toBe('Now acting as scout for alice. And now.');
    expect(await run(page)).toEqual({ authorization: 'Bearer scout-1', delegationId: 'from-alice' });
    expect(await page.locator('#request code').textContent()).toBe('request-for-Bearer scout-1');

    await picker.press('n');
    expect(await picker.inputValue()).toBe('nobody');
    expect(await page.locator('#note').textContent()).toContain(
      'You chose nobody; this step is meant for scout for alice.',
    );
    expect(await run(page)).toEqual({ authorization: null, delegationId: null });

    expect(faults).toEqual([]);
  });

  test('in Chromium: a token about to end is replaced before it is sent, and a header typed in wins', {
    timeout: SLOW,
  }, async () => {
    await using server = await startPageServer();
    server.lifetime(20);
    await using browser = await openBrowser(chromium, server.origin);
    const { page, faults } = browser;
    await page.goto(`${server.origin}/graphql`);
    await tab(page, '2 Her agent').click({ timeout: SLOW });
    const before = server.asked();
    server.lifetime(900);
    expect(await run(page)).toEqual({
      authorization: `Bearer scout-${before + 1}`,
      delegationId: 'from-alice',
    });
    expect(await run(page)).toEqual({
      authorization: `Bearer scout-${before + 1}`,
      delegationId: 'from-alice',
    });

    await page.getByRole('button', { name: 'Headers', exact: true }).click();
    await page.locator('.graphiql-editor-tool .monaco-editor').last().click();
    await page.keyboard.insertText('{ "authorization": "Bearer mine" }');
    await expect.poll(() => run(page)).toEqual({ authorization: 'Bearer mine', delegationId: null });

    expect(faults).toEqual([]);
  });
}

function tab(page: Page, title: string) {
  return page
    .getByRole('tab', { name: title })
    .or(page.getByRole('button', { name: title }))
    .first();
}

/** Executes the open tab, and returns what the server says it received, once GraphiQL shows it. */
async function run(page: Page): Promise<unknown> {
  // after a change of tab, GraphiQL takes a tenth of a second to learn which operation it holds
  await page.waitForTimeout(500);
  const [response] = await Promise.all([
    page.waitForResponse((answer) => /query (First|Second)/.test(answer.request().postData() ?? '')),
    page.getByRole('button', { name: /execute query/i }).click(),
  ]);
  const { received } = (await response.json()).data;
  // Monaco draws spaces as no-break spaces
  const shown = page.locator('.result-window', {
    hasText: `"authorization": ${JSON.stringify(received.authorization)}`,
  });
  await shown.waitFor();
  return received;
}
