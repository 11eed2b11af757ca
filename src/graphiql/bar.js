// The bar above GraphiQL, in the browser: who asks, what the open step is about, how the last answer came.
//
// Writes what it is told into the elements that page.ts laid out, as text and never as HTML. page.ts inlines it in
// front of client.js, in the same script element, which is why it exports nothing. Sends nothing, keeps no token.

/** @typedef {import('./story.ts').DemoIdentity} Identity */
/** @typedef {import('./story.ts').StoryTab} Step */

/** @param {{ onRestart: () => void }} events */
// biome-ignore lint/correctness/noUnusedVariables: client.js, the next part of the same script, calls it
function createBar({ onRestart }) {
  /** @type {ReadonlyMap<string, Identity>} */
  let identities = new Map();
  /** @type {Step | undefined} */
  let step;
  const picker = /** @type {HTMLSelectElement} */ (element('identity'));
  picker.addEventListener('change', show);
  element('restart').addEventListener('click', onRestart);

  return {
    chosen,
    say,

    /** @param {ReadonlyMap<string, Identity>} known @param {readonly Step[]} story */
    open(known, story) {
      identities = known;
      fillPicker();
      nameTabs(story);
      element('restart').hidden = story.length === 0;
    },

    /** @param {Step | undefined} entered the step whose tab is open; undefined for a tab of the user's own */
    enter(entered) {
      step = entered;
      if (step && identities.has(step.identity)) {
        picker.value = step.identity;
      }
      show();
    },

    /** @param {Response} response @param {boolean} own whether the user's own credentials were sent */
    answered({ status, headers }, own) {
      chip('status', status === 200 ? '' : `HTTP ${status}`);
      chip('own', own ? 'sent with your own credentials' : '');
      const id = headers.get('x-request-id');
      element('request').hidden = id === null;
      /** @type {HTMLElement} */ (element('request').querySelector('code')).textContent = id;
    },
  };

  function chosen() {
    return identities.get(picker.value);
  }

  function show() {
    const identity = chosen();
    element('who').textContent = identity?.description ?? '';
    chip('tenant', identity?.tenant ? `tenant ${identity.tenant}` : '');
    chip('delegation', identity?.delegationId ? 'under a delegation' : '');
    element('delegation').title = identity?.delegationId ? `Delegation-Id: ${identity.delegationId}` : '';
    if (!identity) {
      return;
    }
    if (!step) {
      say(`Your own query, sent as ${identity.label}.`);
    } else if (step.identity === identity.id) {
      say(`Now acting as ${identity.label}.`, step.note);
    } else {
      const meant = identities.get(step.identity)?.label ?? step.identity;
      say(`You chose ${identity.label}; this step is meant for ${meant}.`, step.note);
    }
  }

  /** @param {string} first @param {string} [rest] */
  function say(first, rest = '') {
    const lead = document.createElement('strong');
    lead.textContent = first;
    element('note').replaceChildren(lead, ` ${rest}`);
  }

  /** @param {string} id @param {string} text empty: nothing to show */
  function chip(id, text) {
    element(id).textContent = text;
    element(id).hidden = text === '';
  }

  function fillPicker() {
    const groups = Map.groupBy(identities.values(), ({ tenant }) => tenant);
    picker.replaceChildren(
      ...[...groups].map(([tenant, members]) => {
        const group = document.createElement('optgroup');
        group.label = tenant === '' ? 'no tenant' : `tenant ${tenant}`;
        group.append(...members.map(({ id, label }) => new Option(label, id)));
        return group;
      }),
    );
    if (identities.size === 0) {
      picker.replaceChildren(new Option('nobody known', ''));
    }
    picker.disabled = identities.size === 0;
  }

  /** GraphiQL names a tab after its operation and lets nobody choose; a style shows the title of the step instead.
   * @param {readonly Step[]} story */
  function nameTabs(story) {
    const sheet = new CSSStyleSheet();
    for (const { id, title } of story) {
      const button = `.graphiql-tab-button[title=${JSON.stringify(id)}]`;
      sheet.insertRule(`${button} { font-size: 0 !important }`);
      sheet.insertRule(`${button}::before { content: ${JSON.stringify(title)}; font-size: 15px }`);
    }
    document.adoptedStyleSheets.push(sheet);
  }

  /** @param {string} id */
  function element(id) {
    return /** @type {HTMLElement} */ (document.getElementById(id));
  }
}
