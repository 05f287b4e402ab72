/* What every page of the portal shares in the browser: relative times, the connection, shortcuts, copying, visibility. */
(function () {
  'use strict';
  const words = JSON.parse(document.getElementById('maakav-words')?.textContent || '{}');
  const PAUSE = 2000;
  const pad = (n) => String(n).padStart(2, '0');
  /* Made when it is needed first: the browser reads all its time zones for it, longer than it takes to draw a list. */
  let israel;

  function parts(date) {
    israel ??= new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Asia/Jerusalem', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
    });
    const found = Object.fromEntries(israel.formatToParts(date).map((part) => [part.type, part.value]));
    return {day: `${found.year}-${found.month}-${found.day}`, time: `${found.hour}:${found.minute}`};
  }

  /* Today and yesterday in Israel, worked out once a second at most: a list asks for each of its rows. */
  let known = {second: -1, days: []};
  function days() {
    const second = Math.floor(Date.now() / 1000);
    if (known.second !== second)
      known = {second, days: [0, 86400000].map((ago) => parts(new Date(Date.now() - ago)).day)};
    return known.days;
  }

  /* The same wording as db/values.format_moment has for what is past: a page stays open for days, and what the server said of a moment then is no longer so. */
  function relative(iso) {
    const at = new Date(iso);
    const minutes = Math.floor((Date.now() - at.getTime()) / 60000);
    if (minutes < 1) return words.now;
    if (minutes < 60) return minutes === 1 ? words.minute : words.minutes.replace('{n}', minutes);
    if (minutes < 120) return words.hour;
    if (minutes < 180) return words.twoHours;
    const then = parts(at);
    const [today, yesterday] = days();
    if (then.day === today) return words.today.replace('{time}', then.time);
    if (then.day === yesterday) return words.yesterday.replace('{time}', then.time);
    return then.day.split('-').reverse().join('/');
  }

  function refreshTimes() {
    for (const element of document.querySelectorAll('time[data-ts]')) {
      const text = relative(element.dataset.ts);
      if (element.textContent !== text) element.textContent = text;
    }
    for (const {dataset, firstChild} of document.querySelectorAll('[data-looks-until]')) {
      const minutes = Math.ceil((Date.parse(dataset.looksUntil) - Date.now()) / 60000);
      firstChild.data = dataset.told.replace('{n}', Math.max(1, minutes));
    }
  }

  function setOffline(offline) {
    if (document.body.classList.contains('mk-offline') === offline) return;
    document.body.classList.toggle('mk-offline', offline);
    const now = new Date();
    for (const bar of document.querySelectorAll('[data-offline]')) {
      bar.hidden = !offline;
      const since = bar.querySelector('[data-since]');
      if (since) since.textContent = `${pad(now.getHours())}:${pad(now.getMinutes())}`;
    }
    for (const pill of document.querySelectorAll('[data-testid=connection]')) {
      pill.classList.toggle('mk-off', offline);
      pill.querySelector('span').textContent = offline ? words.offline : words.live;
    }
  }

  /* Try at once what the socket tries every few seconds by itself; it goes on afterwards. */
  function reconnect() {
    if (!window.socket || socket.connected) return;
    socket.io.opts.query.next_message_id = window.nextMessageId;  // as the page does before an attempt of its own, or it is loaded anew
    socket.disconnect().connect();
  }

  /* After a restart all are back within some seconds: left alone the socket pauses for up to seven between two tries. */
  function tryOften() {
    if (window.socket) socket.io.reconnectionDelayMax(PAUSE);
    else setTimeout(tryOften, 100);
  }

  function watchConnection() {
    const popup = document.getElementById('popup');
    if (!popup) return;
    tryOften();
    new MutationObserver(() => setOffline(popup.getAttribute('aria-hidden') === 'false')).observe(popup, {attributes: true});
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      say(words.copied);
    } catch {
      say(words.notCopied, true);
    }
  }

  /* A toast from the browser's own side; the server's go through the same place. */
  function say(text, isError) {
    let stack = document.querySelector('.mk-tstack');
    if (!stack) {
      stack = Object.assign(document.createElement('div'), {className: 'mk-tstack'});
      stack.setAttribute('role', 'status');
      document.body.append(stack);
    }
    const toast = Object.assign(document.createElement('div'), {className: `mk-toast${isError ? ' mk-e' : ''}`});
    const icon = Object.assign(document.createElement('span'), {className: 'mk-ic', textContent: isError ? 'error' : 'check_circle'});
    icon.setAttribute('aria-hidden', 'true');
    if (isError) toast.setAttribute('role', 'alert');
    const line = Object.assign(document.createElement('span'), {textContent: text});
    const close = Object.assign(document.createElement('button'), {className: 'mk-ic mk-x mk-act', textContent: 'close', type: 'button'});
    close.setAttribute('aria-label', words.close);
    close.addEventListener('click', () => toast.remove());
    toast.append(icon, line, close);
    stack.append(toast);
    if (!isError) setTimeout(() => toast.remove(), 6000);
  }

  /* What stands in the search of the frame goes along. */
  function openPalette() {
    dispatchEvent(new CustomEvent('maakav:palette', {detail: document.querySelector('.mk-gsearch input[type=search]')?.value || ''}));
  }

  /* Bring the chosen one of a bar that scrolls sideways into its middle; the page itself stays where it is. */
  function reveal(chosen) {
    if (!chosen) return;
    // with the next picture, when the page is laid out anyway: before, the line would wait for it
    requestAnimationFrame(() => {
      const bar = chosen.parentElement?.closest('.mk-tabs, .mk-scrollx');
      if (!bar) return;
      const [own, around] = [chosen.getBoundingClientRect(), bar.getBoundingClientRect()];
      bar.scrollBy({left: own.left + own.width / 2 - around.left - around.width / 2, behavior: 'instant'});
    });
  }

  /* What stands below a field that is left moves when the field has something to say. While the mouse is down it says it later:
     what is being pressed would move away, and the click fall beside it. */
  let pressed = false, unsaid = [];
  function release() {
    pressed = false;
    for (const tell of unsaid.splice(0)) tell();
  }
  addEventListener('mousedown', (event) => { pressed = event.button === 0; }, true);
  for (const kind of ['mouseup', 'dragend', 'contextmenu', 'keydown']) addEventListener(kind, () => setTimeout(release), true);
  addEventListener('blur', release);
  const afterPress = (tell) => { if (pressed) unsaid.push(tell); else tell(); };

  /* An order moves what is on the page: the second half of the double click that gave it would fall on something else. Not every browser
     counts a second click on something else as one, so its time and place tell as well. Whoever orders by a click says so with `ordered`. */
  const DOUBLE = 500, NEAR = 8;
  let clicked = null;
  function halve(event) {
    if (!event.detail) return;  // no click of a mouse or a finger
    const {clientX: x, clientY: y, timeStamp: at} = event, before = clicked;
    const isSecond = before && (event.detail > 1 || (at - before.at < DOUBLE && Math.hypot(x - before.x, y - before.y) <= NEAR));
    clicked = {x, y, at, hasOrdered: isSecond && before.hasOrdered};
    if (clicked.hasOrdered) { event.preventDefault(); event.stopImmediatePropagation(); }
  }
  addEventListener('click', halve, true);
  // who writes in between clicks twice
  addEventListener('input', ({target}) => { if (target.matches('textarea, input:not([type=checkbox], [type=radio])')) clicked = null; }, true);
  const ordered = () => { if (clicked) clicked.hasOrdered = true; };

  const typing = (target) => target.closest('input, textarea, select, [contenteditable=true]');

  /* A typed day as yyyy-mm-dd, read as db/values.day reads it; without a year it is of this one. Empty when it is none. */
  const DAY_FIRST = /^(\d{1,2})(?: ?([./-]) ?(\d{1,2})(?: ?\2 ?(\d{4}|\d{2}))?|()(\d{2})(\d{4}))$/;
  const YEAR_FIRST = /^(\d{4})([./-])(\d{1,2})\2(\d{1,2})$/;
  function dayIn(text, min = '', max = '') {
    const typed = text.replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '').trim();
    const [first, last] = [DAY_FIRST.exec(typed), YEAR_FIRST.exec(typed)];
    if (!first && !last) return '';
    const written = last ? last[1] : first[4] || first[7] || days()[0].slice(0, 4);
    const year = written.length === 4 ? Number(written) : Number(written) + (written < '70' ? 2000 : 1900);
    const [month, day] = (last ? [last[3], last[4]] : [first[3] || first[6], first[1]]).map(Number);
    const found = dayOf(year, month, day);
    if (last || first[4] || first[7]) return found;
    // whoever leaves the year out means the nearest one that may be chosen
    const other = min && found < min ? dayOf(year + 1, month, day) : max && found > max ? dayOf(year - 1, month, day) : '';
    return other || found;
  }
  function dayOf(year, month, day) {
    const found = new Date(0);
    found.setUTCFullYear(year, month - 1, day);
    const isDay = found.getUTCMonth() === month - 1 && found.getUTCDate() === day && year > 0;
    return isDay ? `${String(year).padStart(4, '0')}-${pad(month)}-${pad(day)}` : '';
  }
  const dayWritten = (iso) => iso.split('-').reverse().join('/');

  // the browser's calendar for a field one types a day into: its own field stands unseen beside it
  function pickDay(box) {
    const [field, calendar] = box.querySelectorAll('input');
    // a day that may not be chosen would stay in it unseen, and hold its form back
    calendar.value = faultOf(field) ? '' : readIn(field);
    calendar.onchange = () => {
      field.value = dayWritten(calendar.value);
      field.dispatchEvent(new Event('input', {bubbles: true}));
      field.dispatchEvent(new Event('change', {bubbles: true}));
      field.focus();
    };
    calendar.showPicker();
  }

  /* The first and the last day that may be chosen are those of the calendar beside a field. */
  const boundsOf = (field) => field.parentElement.querySelector('input[type=date]');
  const readIn = (field) => dayIn(field.value, boundsOf(field).min, boundsOf(field).max);

  /* What is wrong with a typed day, in words. */
  function faultOf(field) {
    const day = readIn(field);
    const {min, max} = boundsOf(field);
    const [first, last] = [min > words.firstDay ? min : words.firstDay, max && max < words.lastDay ? max : words.lastDay];
    if (!day) return field.value.trim() ? words.noDay : '';
    if (day < first) return words.tooEarly.replace('{day}', dayWritten(first));
    return day > last ? words.tooLate.replace('{day}', dayWritten(last)) : '';
  }

  /* It is written out as soon as it is typed, and what is none is said at once; before the page's own parts hear of it. */
  function settleDay(event) {
    const field = event.target;
    if (!field.matches('[data-day]')) return;
    const settled = event.type === 'change';
    if (settled && readIn(field)) field.value = dayWritten(readIn(field));
    const wrong = settled ? faultOf(field) : '';
    field.setCustomValidity(wrong);
    const said = field.closest('label')?.querySelector('[data-said]');
    // what was found missing as the form was sent meanwhile stays said
    if (said) afterPress(() => { said.textContent = field.validity.customError ? field.validationMessage : ''; });
    if (wrong) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }
  addEventListener('input', settleDay, true);
  addEventListener('change', settleDay, true);

  /* That field as part of a component. It is bound as yyyy-mm-dd, and as '' while what stands there is no day one may choose: that is
     in `typed` then, for who draws it anew. What comes from outside never replaces what is being typed. */
  let dayFields = 0;
  const dayField = {
    inheritAttrs: false,
    template: `
      <div class="mk-fld mk-dayf"><label :class="look" :for="id">{{ label }}</label>
        <span class="mk-inp mk-sm mk-dayin"><input type="text" :id="id" data-day dir="ltr" maxlength="20" placeholder="dd/mm/yyyy" autocomplete="off" v-bind="$attrs" :value="draft" :aria-describedby="wrong ? id + '-said' : $attrs['aria-describedby']" @input="hear" @change="settle" @invalid="blame"><input type="date" class="mk-vh" tabindex="-1" aria-hidden="true" :min="min" :max="max"><button type="button" class="mk-ib mk-sm" data-calendar :aria-label="pick || words.pickDay"><span class="mk-ic" aria-hidden="true">calendar_month</span></button></span>
        <p v-if="wrong" :id="id + '-said'" class="mk-help mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ wrong }}</span></p></div>`,
    props: {modelValue: String, typed: String, label: String, look: String, pick: String, min: String, max: String},
    emits: ['update:modelValue', 'update:typed', 'settled'],
    data() { return {id: `day-${dayFields += 1}`, draft: this.typed || dayWritten(this.modelValue || ''), wrong: '', words}; },
    // drawn anew, it says again what is wrong with what stands in it
    mounted() { if (this.typed) this.$el.querySelector('[data-day]').dispatchEvent(new Event('change', {bubbles: true})); },
    // a field that is taken away while somebody is in it still says what it held, to a form that has begun anew
    beforeUnmount() { this.gone = true; },
    watch: {
      modelValue(now, before) { if (this.draft === dayWritten(before || '')) this.draft = dayWritten(now || ''); },
    },
    methods: {
      hear({target}) {
        this.wrong = '';
        this.blamed = false;
        this.take(target);
      },
      take(field) {
        this.draft = field.value;
        const wrong = faultOf(field);
        this.$emit('update:modelValue', wrong ? '' : readIn(field));
        this.$emit('update:typed', wrong ? field.value : '');
      },
      settle({target}) {
        if (this.gone) return;
        this.blamed = false;
        this.take(target);
        if (!faultOf(target)) this.$emit('settled', readIn(target));
        afterPress(() => { if (!this.blamed) this.wrong = faultOf(target); });
      },
      // said below the field, so the browser need not say it over it
      blame(event) {
        event.preventDefault();
        this.blamed = true;
        this.wrong = event.target.validity.customError ? event.target.validationMessage : words.dayMissing;
        event.target.focus();
      },
    },
  };

  addEventListener('click', (event) => {
    const button = event.target.closest('[data-copy]');
    if (button) { event.preventDefault(); copy(button.dataset.copy); }
    if (event.target.closest('[data-palette]')) openPalette();
    if (event.target.closest('[data-reconnect]')) reconnect();
    if (event.target.closest('.mk-skip')) { event.preventDefault(); document.getElementById('main').focus(); }
    const calendar = event.target.closest('[data-calendar]');
    if (calendar) { event.preventDefault(); pickDay(calendar.parentElement); }
    for (const open of document.querySelectorAll('details.mk-drop[open]')) {
      if (!event.composedPath().includes(open)) open.open = false;  // also when the click took its own button away
    }
  });
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      for (const open of document.querySelectorAll('details.mk-drop[open]')) {
        open.open = false;
        open.querySelector('summary').focus();
      }
    }
    const search = document.querySelector('.mk-gsearch input');
    if (event.code === 'KeyK' && (event.ctrlKey || event.metaKey) && search) { event.preventDefault(); openPalette(); }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === 'Slash' && event.shiftKey) dispatchEvent(new CustomEvent('maakav:help'));
    else if (event.code === 'Slash') {
      const field = document.querySelector('[data-testid=search]') || search;
      if (field) { event.preventDefault(); field.focus(); }
    }
    if (event.code === 'KeyJ' || event.code === 'KeyK') dispatchEvent(new CustomEvent('maakav:step', {detail: event.code === 'KeyJ' ? 1 : -1}));
  });

  /* Among tabs, choices and the lines of a menu the arrows go where they point, Home and End to the ends. A choice is made by going there. */
  const AMONG = {tab: '[role=tablist]', radio: '[role=radiogroup]', menuitem: '[role=menu]'};
  addEventListener('keydown', (event) => {
    const role = event.target.getAttribute?.('role'), around = AMONG[role] && event.target.closest(AMONG[role]);
    if (!around || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = [...around.querySelectorAll(`[role=${role}]`)].filter(isUsable), at = all.indexOf(event.target);
    const [next, last] = getComputedStyle(around).direction === 'rtl' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowRight', 'ArrowLeft'];
    const upright = role === 'tab' ? {} : {ArrowDown: at + 1, ArrowUp: at - 1};
    const to = {[next]: at + 1, [last]: at - 1, Home: 0, End: -1, ...upright}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const chosen = all.at(to % all.length);
    if (role === 'radio') chosen.click();
    chosen.focus();
  });

  /* Who works by the keyboard stays where he is. What he stands on may go out of use while an order is on its way: he is back on it
     afterwards, or beside it if that lasts. What is taken away leaves him on what took its place. */
  const REACHED = 'a[href], button, input, select, textarea, summary, [tabindex="0"]', OUT_OF_USE = 1000;
  const isUsable = (element) => element.isConnected && !element.disabled && element.getClientRects().length > 0;
  let stood = null, looking = 0;
  function stand(target) {
    stood = target === document.body ? null : {target, places: [], since: 0};
    for (let at = target; stood && at.parentElement; at = at.parentElement)
      stood.places.push([at.parentElement, [...at.parentElement.children].indexOf(at)]);
  }
  const firstIn = (element) => [element, ...element.querySelectorAll(REACHED)].find((one) => one.matches(REACHED) && one.tabIndex >= 0 && isUsable(one));
  function beside([parent, place]) {
    const all = [...parent.children];
    return [...all.slice(place), ...all.slice(0, place).reverse()].map(firstIn).find(Boolean);
  }
  function stayOn() {
    looking = 0;
    if (!stood || document.activeElement !== document.body) return;
    const {target, places} = stood;
    if (isUsable(target)) { target.focus(); return; }
    stood.since ||= Date.now();
    const isBusy = target.isConnected && target.disabled;
    if (isBusy && Date.now() - stood.since < OUT_OF_USE) { look(OUT_OF_USE); return; }
    const around = isBusy ? places.slice(0, 1) : places.filter(([parent]) => parent.isConnected && parent.getClientRects().length);
    around.map(beside).find(Boolean)?.focus();
  }
  function look(after) {
    clearTimeout(looking);
    looking = setTimeout(stayOn, after);
  }
  addEventListener('keydown', () => stand(document.activeElement), true);
  addEventListener('pointerdown', () => { stood = null; }, true);
  addEventListener('focusin', ({target}) => { if (stood) stand(target); });
  // left on purpose
  addEventListener('focusout', ({target}) => setTimeout(() => {
    if (stood?.target === target && isUsable(target) && document.activeElement === document.body) stood = null;
  }));
  new MutationObserver(() => { if (stood && document.activeElement === document.body) look(0); })
    .observe(document.documentElement, {subtree: true, childList: true, attributeFilter: ['disabled', 'open', 'class']});

  /* Where a field is full the browser cuts what is pasted, and says nothing. */
  addEventListener('paste', ({target, clipboardData}) => {
    const {maxLength, value, selectionStart, selectionEnd} = target, pasted = clipboardData?.getData('text').replaceAll('\r\n', '\n');
    const room = maxLength - value?.length + selectionEnd - selectionStart;
    if (maxLength > 0 && pasted?.length > room) say(words.cut.replace('{limit}', maxLength.toLocaleString('en')), true);
  }, true);

  // the list keeps its state in the address while one works in it: the way back leads to what one sees now
  addEventListener('submit', (event) => {
    const back = event.target.querySelector('input[name=back]');
    if (back) back.value = location.pathname + location.search;
  });

  /* A form is sent by the keys, from wherever one types: a day that is not left yet is read first. */
  function hurry({target, currentTarget}) {
    if (target.matches('[data-day]')) target.dispatchEvent(new Event('change', {bubbles: true}));
    currentTarget.requestSubmit();
  }

  /* Words and the key they are sent under: sent again because no answer came, the same words go under the same key and arrive once. */
  const freshKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
  const keyed = (text, last) => (last && last.text === text ? last : {text, key: freshKey()});

  /* What was typed on behind a text that was sent; of what was put differently meanwhile, all. */
  function behind(typed, sent) {
    const rest = typed.trimStart(), gone = sent.trim();
    if (rest.trim() === gone) return '';
    return rest.startsWith(gone) ? rest.slice(gone.length).trimStart() : typed;
  }

  /* Why a file is not taken, as far as its name and its size tell (its content the server looks at); '' when it may go. */
  function whyNot(file, {accept, most}, said) {
    const [, ending] = /[^ .].*\.([^.]{1,10})$/.exec(file.name.replace(/[ .]+$/, '')) || [];
    if (!file.size) return said.empty;
    if (ending && !accept.split(',').includes(`.${ending.toLowerCase()}`)) return said.kind;
    return file.size > most ? said.tooBig : '';
  }

  /* Send photos one after the other; those that are refused hold no other up. Returns why, each with its name. */
  async function sendPhotos(files, address, {headers, limits, said, tell}) {
    const refused = [];
    for (const [place, file] of files.entries()) {
      tell(said.sending.replace('{n}', place + 1).replace('{all}', files.length));
      const why = whyNot(file, limits, said) || await sendPhoto(file, address, headers, said);
      if (why) refused.push(`\u2068${file.name}\u2069: ${why}`);
    }
    return refused;
  }
  async function sendPhoto(file, address, headers, said) {
    const named = {'X-Maakav-Upload': '1', 'X-File-Name': encodeURIComponent(file.name), 'Content-Type': 'application/octet-stream'};
    try {
      const answer = await fetch(address, {method: 'POST', body: file, headers: {...named, ...headers}});
      if (answer.ok) return '';
      return answer.status === 413 ? said.tooBig : (await answer.json().catch(() => ({}))).error || said.failed;
    } catch {
      return said.failed;  // the line is down
    }
  }

  /* What is told to all open pages at once comes on the page's own socket, beside NiceGUI's messages. The page makes its parts
     first and the socket in the same breath, after them. */
  const follow = (name, hear) => queueMicrotask(() => {
    if (globalThis.socket) globalThis.socket.on(name, hear);
    else setTimeout(follow, 10, name, hear);
  });
  const unfollow = (name, hear) => globalThis.socket.off(name, hear);

  /* For what a component shows only sometimes (a menu, a dialog): its template is compiled when it is drawn first. All others of
     a page are compiled before anything of it can be used, which took longer than drawing it. */
  const withParts = (templates) => ({
    created() { this.drawn = {}; },
    methods: {
      part(name) { return Vue.compile(templates[name])(this, (this.drawn[name] ??= [])); },
    },
  });

  /* Have it said when no answer comes to what was ordered; while there is no connection it waits to be sent. Returns what ends the waiting. */
  const ANSWER_WITHIN = 20000;
  function whenLate(then, within = ANSWER_WITHIN) {
    let waiting = 0;
    const wait = () => { waiting = setTimeout(() => { if (document.body.classList.contains('mk-offline')) wait(); else then(); }, within); };
    wait();
    return () => clearTimeout(waiting);
  }

  /* What goes under a key is carried out once. So it is said again until it is answered: nobody knows that it did not arrive, and no other
     wording of it goes out beside it. `late` is called once. Returns what ends it. */
  const SAID_AGAIN_AFTER = 12000;
  function insist(say, late) {
    let ending, isLate = false;
    const wait = () => {
      ending = whenLate(() => {
        if (!isLate) late();
        isLate = true;
        say();
        wait();
      }, SAID_AGAIN_AFTER);
    };
    say();
    wait();
    return () => ending();
  }

  /* For a component that orders one thing after another: it is busy until that is answered, and says its word `late` when no answer comes. */
  const ordering = {
    data: () => ({busy: false}),
    created() { Object.assign(this, {orders: {}, number: 0}); },
    unmounted() { this.ending?.(); },
    methods: {
      /* Returns the number under which this goes; it comes back with the answer. */
      numbered(order) {
        ordered();
        this.busy = true;
        this.number += 1;
        this.orders[this.number] = order;
        this.ending?.();
        this.ending = whenLate(() => {
          this.busy = false;
          say((this.words || this.texts).late, true);
        });
        return this.number;
      },
      /* What it is an answer to: it may come so late that another order is on its way. */
      answered({number}) {
        const order = this.orders[number];
        delete this.orders[number];
        if (number === this.number) {
          this.ending?.();
          this.busy = false;
        }
        return order;
      },
    },
  };

  /* What changed by somebody else's hand lights up, anew when it does already. */
  function glow(element) {
    if (!element) return;
    element.classList.remove('mk-glow');
    void element.offsetWidth;
    element.classList.add('mk-glow');
  }

  /* How the field of a claim is typed, by its editor. */
  const SHAPES = {
    tel: {type: 'tel'}, email: {type: 'email'}, digits: {inputmode: 'numeric'}, money: {inputmode: 'decimal'},
    day: {dir: 'ltr', placeholder: 'dd/mm/yyyy'}, code: {dir: 'ltr'},
  };
  const shapeOf = (field) => ({autocomplete: 'off', maxlength: field.limit, ...(SHAPES[field.editor] || {dir: 'auto'})});

  /* Pieces of templates. `number` and `label` say in the template's own words which plate it is, and how it is read out. */
  const icon = (name, more = '') => `<span class="mk-ic${more}" aria-hidden="true">${name}</span>`;
  const plate = (number, label, look = 'mk-sm') => `<span class="mk-plate ${look}" dir="ltr" role="img" :aria-label="${label}"><i><svg viewBox="0 0 22 16" aria-hidden="true"><rect width="22" height="16" fill="#fff"/><rect y="1.6" width="22" height="2.4" fill="#0B3C9E"/><rect y="12" width="22" height="2.4" fill="#0B3C9E"/><path d="M11 4.9l2.7 4.6H8.3zM11 11.1L8.3 6.5h5.4z" fill="none" stroke="#0B3C9E" stroke-width=".9"/></svg>IL</i><b>{{ ${number} }}</b></span>`;
  const whatsapp = `<svg class="mk-icv" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path d="M12.04 2a9.9 9.9 0 0 0-8.5 15L2.2 21.8l4.9-1.3A9.9 9.9 0 1 0 12.04 2Zm0 1.8a8.1 8.1 0 1 1-4.1 15.1l-.3-.2-2.9.8.8-2.8-.2-.3a8.1 8.1 0 0 1 6.7-12.6Zm-3 4.1c-.2 0-.5.1-.7.3-.3.3-.9.9-.9 2.1 0 1.3.9 2.5 1 2.6.2.2 1.8 2.8 4.5 3.8 2.2.9 2.7.7 3.2.7.5-.1 1.5-.6 1.7-1.2.2-.6.2-1.1.2-1.2-.1-.1-.3-.2-.5-.3l-1.7-.8c-.3-.1-.4-.1-.6.1l-.8 1c-.1.2-.3.2-.5.1-.3-.1-1.1-.4-2-1.2-.8-.7-1.3-1.5-1.4-1.8-.2-.2 0-.4.1-.5l.4-.5.2-.4v-.4l-.8-1.9c-.2-.4-.4-.5-.6-.5h-.4Z"/></svg>`;

  globalThis.maakav = {afterPress, behind, copy, dayField, follow, unfollow, freshKey, glow, hurry, icon, insist, keyed, ordered, ordering, sendPhotos, whenLate, whyNot, parts: withParts, plate, relative, reveal, say, shapeOf, typing, whatsapp, words};
  addEventListener('DOMContentLoaded', watchConnection);
  if (document.readyState !== 'loading') watchConnection();
  setInterval(refreshTimes, 30000);
})();
