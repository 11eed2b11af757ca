// The script of the GraphiQL page: unpacks GraphiQL, and sends its operations as the demo identity chosen in the bar.
//
// Runs in the browser as it stands, inlined by page.ts, which allows it by its hash. It wraps window.fetch for the
// GraphQL endpoint only, so that subscriptions and @defer work as GraphiQL does them. Tokens live in memory and are
// asked for again shortly before they end. Headers typed into GraphiQL win: a credential of the user's own is never
// mixed with a delegation of the picker's.

/** @typedef {import('./story.ts').Demo} Demo */
/** @typedef {import('./story.ts').DemoIdentity} DemoIdentity */
/** @typedef {import('./story.ts').StoryTab} StoryTab */
/** @typedef {{ id: string, operationName: string | null }} OpenTab as GraphiQL keeps it */

(() => {
  const MARGIN_MS = 30_000;
  const SEEN_STORY = 'bailiwick:story';
  const SAVED_TABS = ['tabState', 'query', 'variables', 'headers'].map((key) => `graphiql:${key}`);

  const config = /** @type {{ endpoint: string, identitiesUrl: string }} */ (unpack('config'));
  const endpoint = new URL(config.endpoint, location.href);
  const nativeFetch = window.fetch.bind(window);

  /** @type {Map<string, DemoIdentity>} */
  const identities = new Map();
  /** @type {readonly StoryTab[]} */
  let story = [];
  /** @type {StoryTab | undefined} */
  let step;
  /** @type {string | undefined} id of GraphiQL's active tab, once GraphiQL has told */
  let activeTab;
  /** @type {Promise<Demo> | undefined} */
  let loading;
  let rejected = false;

  const bar = createBar({
    onRestart: () => {
      localStorage.removeItem(SEEN_STORY);
      location.reload();
    },
  });
  start();

  async function start() {
    let problem = '';
    try {
      const demo = await load();
      story = demo.tabs;
      for (const identity of demo.identities) {
        identities.set(identity.id, identity);
      }
      if (identities.size === 0) {
        throw new Error('the list is empty');
      }
    } catch (error) {
      problem = `No demo identities: ${messageOf(error)}. Type credentials into GraphiQL's headers, or reload.`;
    }
    forgetTabsOfAnotherStory();
    bar.open(identities, story);
    enter(story[0]);
    window.fetch = fetchAsChosen;
    try {
      await mount();
    } catch (error) {
      problem = `GraphiQL did not start: ${messageOf(error)}`;
    }
    if (problem !== '') {
      bar.say(problem);
    }
  }

  /** @returns {Promise<Demo>} */
  function load() {
    loading ??= nativeFetch(config.identitiesUrl, { headers: { accept: 'application/json' } })
      .then((response) => {
        if (!response.ok) {
          throw new Error(`${config.identitiesUrl} answered ${response.status}`);
        }
        return response.json();
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  /** Takes new tokens only: which delegation a step is about does not change while its story is told. */
  async function renewTokens() {
    try {
      for (const { id, token, expiresAt } of (await load()).identities) {
        const known = identities.get(id);
        if (known) {
          identities.set(id, { ...known, token, expiresAt });
        }
      }
      rejected = false;
    } catch (error) {
      bar.say(`No new token: ${messageOf(error)}`);
    }
  }

  /** @param {RequestInfo | URL} input @param {RequestInit} [init] */
  async function fetchAsChosen(input, init) {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (url.origin !== endpoint.origin || url.pathname !== endpoint.pathname) {
      return nativeFetch(input, init);
    }
    const request = posted(new Request(input, init), url);
    const own = request.headers.has('authorization') || request.headers.has('x-api-key');
    if (!own) {
      await addIdentity(request.headers);
    }
    const response = await nativeFetch(request);
    rejected ||= response.status === 401 && !own;
    const introspection = typeof init?.body === 'string' && init.body.includes('"IntrospectionQuery"');
    if (!introspection || response.status !== 200) {
      bar.answered(response, own);
    }
    return response;
  }

  /**
   * GraphiQL listens by GET; our server answers operations by POST alone.
   *
   * @param {Request} request @param {URL} url @returns {Request}
   */
  function posted(request, url) {
    const query = url.searchParams.get('query');
    if (request.method !== 'GET' || query === null) {
      return request;
    }
    const headers = new Headers(request.headers);
    headers.set('content-type', 'application/json');
    return new Request(endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        query,
        variables: JSON.parse(url.searchParams.get('variables') ?? 'null'),
        operationName: url.searchParams.get('operationName'),
      }),
      signal: request.signal,
    });
  }

  /** @param {Headers} headers */
  async function addIdentity(headers) {
    const { id, token, expiresAt } = bar.chosen() ?? {};
    const ending = typeof expiresAt === 'string' && Date.parse(expiresAt) - Date.now() < MARGIN_MS;
    if (token && (ending || rejected)) {
      await renewTokens();
    }
    // by its id: the picker may have moved on while the token was renewed
    const identity = id === undefined ? undefined : identities.get(id);
    if (identity?.token) {
      headers.set('authorization', `Bearer ${identity.token}`);
    }
    if (identity?.delegationId && !headers.has('delegation-id')) {
      headers.set('delegation-id', identity.delegationId);
    }
  }

  async function mount() {
    /** @param {string} text */
    const blob = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    /** @type {Record<string, string>} */
    const workers = {};
    for (const label of ['editorWorkerService', 'graphql', 'json']) {
      workers[label] = blob(unpack(`worker-${label}`));
    }
    /** @type {(module: string, label: string) => string | undefined} */
    const getWorkerUrl = (_module, label) => workers[label];
    Object.assign(window, { MonacoEnvironment: { globalAPI: false, getWorkerUrl } });
    await new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = blob(unpack('graphiql'));
      script.onload = resolve;
      script.onerror = () => reject(new Error('its script did not load'));
      document.body.append(script);
    });
    const { YogaGraphiQL } = /** @type {any} */ (window);
    YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
      endpoint: config.endpoint,
      title: 'GraphiQL',
      defaultTabs: story.length > 0 ? story.map(toTab) : undefined,
      // credentials typed into the headers editor are not written to disk
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
      // else every keystroke goes into the address of the page
      onEditQuery: () => {},
      onTabChange: followTabs,
    });
    // of tabs restored from the last visit, GraphiQL says nothing until one is changed
    whenPresent('.graphiql-tab-active .graphiql-tab-button', (button) => {
      enter(story.find(({ id }) => id === button.getAttribute('title')));
    });
  }

  /** @param {StoryTab} tab */
  function toTab({ query, variables }) {
    return { query, variables: variables === null ? '' : JSON.stringify(variables, null, 2) };
  }

  /** GraphiQL calls this for every keystroke too; the identity follows only a change from tab to tab.
   * @param {{ tabs: OpenTab[], activeTabIndex: number }} state */
  function followTabs({ tabs, activeTabIndex }) {
    const tab = tabs[activeTabIndex];
    const entered =
      tab && tab.id !== activeTab && (activeTab !== undefined || tab.operationName !== step?.id);
    activeTab = tab?.id;
    if (entered) {
      enter(story.find(({ id }) => id === tab.operationName));
    }
  }

  /** @param {StoryTab | undefined} tab */
  function enter(tab) {
    step = tab;
    bar.enter(tab);
  }

  /** Tabs are kept between visits, unless the demo data they speak of is gone. */
  function forgetTabsOfAnotherStory() {
    const present = JSON.stringify(story);
    if (story.length > 0 && localStorage.getItem(SEEN_STORY) !== present) {
      for (const key of SAVED_TABS) {
        localStorage.removeItem(key);
      }
      localStorage.setItem(SEEN_STORY, present);
    }
  }

  /** @param {string} selector @param {(found: Element) => void} then */
  function whenPresent(selector, then) {
    const observer = new MutationObserver(() => {
      const found = document.querySelector(selector);
      if (found) {
        observer.disconnect();
        then(found);
      }
    });
    observer.observe(document.body, { childList: true, subtree: true });
  }

  /** @param {string} id */
  function unpack(id) {
    return JSON.parse(document.getElementById(id)?.textContent ?? '');
  }

  /** @param {unknown} error */
  function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
  }
})();
