/* What was typed and not sent outlives a reload, such as after a restart of the server: as the page goes, the fields in which
   somebody typed are put into the tab's own memory, under the person and the address; as it comes again, they are filled again,
   and a form that had been opened by a button is opened again. What was sent is in no field any more, so it is not kept.
   Fields that keep themselves (claim sections, the note, messages) are left alone. */
(function () {
  'use strict';
  const SLOT = 'maakav.typed.', SLOTS = /^maakav\.(?:typed|aside|draft)\.([^/]*)/, HOURS = 12, OPENS_WITHIN = 5000;
  const {person, looks} = document.currentScript.dataset;
  // whoever looks as another types nothing here, and what he typed as himself waits until he is himself again
  if (looks !== undefined) return;
  const FIELDS = 'input:not([type=password], [type=search], [type=file], [type=radio], [type=hidden], [type=submit]), textarea, select';
  const OWN = '.mk-edt, [data-testid=internal-note], [data-testid=message-box], [data-keeps=no]';
  const OF = '[data-claim], [data-cheque], [data-document], [data-task], [data-call], [data-id], [data-key]';
  const slot = () => SLOT + person + location.pathname;
  const was = new WeakMap(), typed = new WeakSet(), openers = new WeakMap();
  let pending = [], opening = null, asked = false;

  const called = (element) => element.dataset.testid || element.name || element.getAttribute('aria-label') || element.placeholder;
  const all = (root, pattern) => [...root.querySelectorAll(pattern)];

  /* How a field or a button is found again: its name, and whose it is; null when several could be meant. */
  function nameOf(element, pattern) {
    const whose = element.closest(OF), name = called(element);
    const found = {name, whose: whose ? JSON.stringify({...whose.dataset}) : ''};
    return name && find(found, pattern) === element ? found : null;
  }
  function find(sought, pattern) {
    const same = all(document, pattern).filter((element) => called(element) === sought.name
      && (element.closest(OF) ? JSON.stringify({...element.closest(OF).dataset}) : '') === sought.whose);
    return same.length === 1 ? same[0] : null;
  }

  const ours = (element) => element.matches?.(FIELDS) && !element.closest(OWN);
  const valueOf = (element) => (element.type === 'checkbox' ? element.checked : element.value);

  addEventListener('focusin', ({target}) => {
    if (!ours(target) || typed.has(target)) return;
    was.set(target, valueOf(target));
    // the button after which this field appeared
    if (!opening || Date.now() - opening.at > OPENS_WITHIN || opening.there.has(target)) return;
    // with it all of its form, when that appeared too
    openers.set(target.form && !opening.forms.has(target.form) ? target.form : target, opening.button);
  }, true);
  addEventListener('click', ({target}) => {
    const button = target.closest?.('button[data-testid], [role=button][data-testid], summary[data-testid]');
    if (!button || (button.closest('form') && !('opens' in button.dataset))) return;
    const whose = button.closest(OF) ? JSON.stringify({...button.closest(OF).dataset}) : '';
    opening = {button: {name: called(button), whose}, there: new Set(all(document, FIELDS)), forms: new Set(document.forms), at: Date.now()};
  }, true);
  for (const kind of ['input', 'change']) {
    addEventListener(kind, ({target, isTrusted}) => {
      // a day that is chosen in a calendar stands in the field before it
      const field = target.type === 'date' ? target.previousElementSibling : target;
      if (!isTrusted || !ours(field)) return;
      if (field !== target && !was.has(field)) was.set(field, valueOf(field));
      typed.add(field);
    }, true);
  }
  // what leaves with a form for another page is sent; a form that a part of the page takes is told of by that part
  addEventListener('submit', (event) => { if (!event.defaultPrevented) for (const field of event.target.elements) typed.delete(field); });
  // who signs out leaves nothing behind, and whatever keeps something as the page goes asks for it
  addEventListener('submit', ({target}) => {
    if (!/^\/logout/.test(target.getAttribute('action'))) return;
    maakav.leaving = true;
    try { for (const key of Object.keys(sessionStorage)) if (key.startsWith('maakav.')) sessionStorage.removeItem(key); } catch { /* nothing was kept */ }
  }, true);

  function unsent() {
    const kept = [];
    for (const element of all(document, FIELDS)) {
      if (!typed.has(element) || !ours(element) || element.disabled || !(element.form || element === document.activeElement || element.matches('textarea'))) continue;
      const value = valueOf(element), before = was.get(element) ?? '';
      const name = value !== before && value !== '' ? nameOf(element, FIELDS) : null;
      if (name) kept.push({...name, value, was: before, opener: openers.get(element) || openers.get(element.form) || null});
    }
    return kept;
  }
  function remember() {
    if (maakav.leaving) return;
    const kept = unsent(), known = new Set(kept.map((one) => one.name + one.whose));
    kept.push(...pending.filter((one) => !known.has(one.name + one.whose)).map(({opened, ...one}) => one));
    try {
      if (kept.length) sessionStorage.setItem(slot(), JSON.stringify({at: Date.now(), kept}));
      else sessionStorage.removeItem(slot());
    } catch { /* a private window keeps nothing */ }
  }
  addEventListener('pagehide', remember);
  document.addEventListener('visibilitychange', () => { if (document.hidden) remember(); });

  function fill() {
    asked = false;
    const before = pending.length;
    let pressed = null;
    pending = pending.filter((kept) => {
      const element = find(kept, FIELDS);
      if (!element) {
        const opener = kept.opener && !kept.opened && find(kept.opener, 'button, [role=button], summary');
        // once for all the fields it opens: each press more would empty those that are filled by then. Another one is pressed when
        // these are filled: of two, only the second might stay open
        if (opener && (!pressed || pressed === opener)) { kept.opened = true; if (!pressed) { pressed = opener; opener.click(); } }
        return true;
      }
      if (!ours(element) || typed.has(element)) return false;
      const present = valueOf(element);
      if (present !== kept.was && present !== '') return false;
      was.set(element, kept.was);
      typed.add(element);
      if (kept.opener) openers.set(element, kept.opener);
      if (element.type === 'checkbox') element.checked = kept.value; else element.value = kept.value;
      element.dispatchEvent(new Event(element.matches('select, [type=checkbox], [data-day]') ? 'change' : 'input', {bubbles: true}));
      return false;
    });
    if (pending.length < before) maakav.say(maakav.words.typed);
    if (!pending.length) watcher.disconnect();
  }
  const watcher = new MutationObserver(() => { if (!asked) { asked = true; requestAnimationFrame(fill); } });
  const isFresh = (kept) => Date.now() - JSON.parse(kept).at < HOURS * 3600000;
  try {
    // what is somebody else's or too old is nobody's any more; what waits is kept in the same way
    for (const key of Object.keys(sessionStorage)) {
      const whose = SLOTS.exec(key);
      if (whose && (whose[1] !== person || !isFresh(sessionStorage.getItem(key)))) sessionStorage.removeItem(key);
    }
    pending = JSON.parse(sessionStorage.getItem(slot()))?.kept || [];
  } catch { /* nothing was kept */ }
  if (pending.length) watcher.observe(document.body, {childList: true, subtree: true});
})();
