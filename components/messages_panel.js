/* One thread: bubbles by day, what is new, who has read what, and the box one answers in.
   What is typed is told to the server a second later, and this tab remembers it too until it is sent. */
import {UploadQueue, kindOf} from 'upload_queue';

const DRAFT_AFTER = 1000, SEEK_AFTER = 250, NEAR = 80;
const BUBBLE = `
  <div class="mk-msg" :class="{'mk-me': item.mine, 'mk-private': item.internal, 'mk-again': item.again}" data-testid="message" :data-id="item.id" :data-internal="String(item.internal)" :data-mine="String(item.mine)" :data-state="item.tick ? item.tick.state : null">
    <span v-if="!item.mine" class="mk-av mk-s28" :class="'mk-hue-' + item.hue" aria-hidden="true">{{ item.initials }}</span>
    <div class="mk-bub"><div v-if="item.internal" class="mk-lockl"><span class="mk-ic mk-s14" aria-hidden="true">lock</span>{{ words.internal }}</div>
      <div v-if="!item.mine && !item.again" class="mk-who" dir="auto">{{ item.by }}</div><span v-else class="mk-vh">{{ words.you }}: </span>
      <div class="mk-msgt" dir="auto"><template v-for="(part, place) in item.parts" :key="place"><b v-if="part.call" class="mk-call-name">{{ part.text }}</b><template v-else>{{ part.text }}</template></template></div>
      <a v-for="file in item.files" :key="file.uuid" class="mk-batt" :href="file.href" data-testid="attachment"><span class="mk-icb mk-s32" :class="'mk-hue-' + file.hue"><span class="mk-ic" aria-hidden="true">{{ file.icon }}</span></span><span class="mk-grow"><span class="mk-b mk-sm mk-ell" dir="auto">{{ file.title }}</span><span class="mk-xs mk-t3"><bdi class="mk-num" dir="ltr">{{ file.size }}</bdi> · {{ file.kind || words.savedAs }}</span></span><span class="mk-ic mk-t3" aria-hidden="true">download</span></a>
      <div class="mk-tm"><time class="mk-num" dir="ltr" :datetime="item.at" :title="item.exact">{{ item.time }}</time><span v-if="item.tick" class="mk-ic" :class="'mk-' + item.tick.state" role="img" :aria-label="item.tick.text" :title="item.tick.text" data-testid="receipt">{{ item.tick.icon }}</span></div>
      <div v-if="item.last && item.tick && item.tick.state === 'read'" class="mk-readby" data-testid="read-by">{{ item.tick.text }}</div></div></div>`;
const COMPOSE = `
  <form v-if="writes" class="mk-writing" @submit.prevent="send" @keydown.esc="leaveMenu">
    <div v-if="words.quick.length && !body" class="mk-quickl"><button v-for="text in words.quick" :key="text" type="button" class="mk-pill" @click="insert(text)">{{ text }}</button></div>
    <div v-if="calling.length" class="mk-pop mk-menu mk-callm2" role="listbox" :aria-label="words.mention"><button v-for="(person, place) in calling" :key="person.id" type="button" class="mk-mi" :class="{'mk-on': place === chosen}" role="option" :aria-selected="String(place === chosen)" data-testid="mention" @mousedown.prevent="call(person)">
      <span class="mk-ic" aria-hidden="true">alternate_email</span><span>{{ person.name }}</span></button></div>
    <div v-if="menu" class="mk-pop mk-menu mk-templates" role="menu" :aria-label="words.templates"><template v-for="group in templates" :key="group.label"><div class="mk-gh">{{ group.label }}</div>
      <button v-for="template in group.templates" :key="template.id" type="button" class="mk-mi" role="menuitem" :data-testid="'template-' + template.id" @click="take(template)"><span class="mk-ic" aria-hidden="true">quick_phrases</span><span>{{ template.label }}</span></button></template></div>
    <ul v-if="queue && queue.rows.length" class="mk-ups mk-card mk-upm"><li v-for="row in queue.rows" :key="row.id" :class="'mk-up-' + row.state" data-testid="attaching" :data-state="row.state"><span class="mk-grow mk-sm"><bdi class="mk-b">{{ row.name }}</bdi> <span :role="['failed', 'lost'].includes(row.state) ? 'alert' : null">{{ told(row) }}</span></span>
      <button v-if="row.retry && row.file" type="button" class="mk-btn mk-s mk-sm" @click="queue.retry(row)">{{ words.retry }}</button><button type="button" class="mk-ib mk-sm" :aria-label="words.dismiss + ': ' + row.name" @click="queue.dismiss(row)"><span class="mk-ic" aria-hidden="true">close</span></button></li></ul>
    <div class="mk-compose" :class="{'mk-inner': internal}" @dragover.prevent @drop.prevent="pick($event.dataTransfer.files)">
      <div v-if="staff" class="mk-tow"><span class="mk-seg" role="radiogroup" :aria-label="words.audience">
        <button type="button" role="radio" :aria-checked="String(!internal)" :class="{'mk-on': !internal}" data-testid="to-office" @click="aim(false)">{{ words.toOffice }}</button>
        <button type="button" role="radio" :aria-checked="String(internal)" :class="{'mk-on': internal}" data-testid="internal" @click="aim(true)"><span class="mk-ic mk-s14" aria-hidden="true">lock</span>{{ words.internal }}</button></span>
        <span v-if="internal" class="mk-xs mk-t2">{{ words.onlyBureau }}</span></div>
      <textarea ref="box" v-model="body" rows="1" :dir="body ? 'auto' : null" :placeholder="internal ? words.hintInternal : words.hint" :aria-label="internal ? words.internal : words.box" data-testid="message-box"
        @input="typed" @keydown="pressed" @blur="calling = []; keep()" @click="look" @paste="pasted"></textarea>
      <ul v-if="files.length" class="mk-filel"><li v-for="(item, place) in files" :key="place" data-testid="chosen-file"><span class="mk-ic mk-s18" aria-hidden="true">description</span><bdi class="mk-ell mk-grow">{{ item.file.name }}</bdi>
        <select v-model="item.type" :aria-label="words.filedAs + ': ' + item.file.name"><option v-for="kind in attach.types" :key="kind.id" :value="kind.id">{{ kind.label }}</option></select><button type="button" class="mk-ib mk-sm" :aria-label="words.without + ': ' + item.file.name" @click="drop(place)"><span class="mk-ic" aria-hidden="true">close</span></button></li></ul>
      <div v-if="files.length && !attach.address" class="mk-forclaim" data-testid="which-claim" role="group" :aria-label="words.whichClaim"><template v-if="goal"><span class="mk-ic mk-s18" aria-hidden="true">directions_car</span><span class="mk-grow mk-ell" data-testid="chosen-claim"><bdi>{{ goal.name }}</bdi> · <bdi class="mk-num" dir="ltr">{{ goal.number }}</bdi></span><button type="button" class="mk-ib mk-sm" :aria-label="words.anotherClaim" :title="words.anotherClaim" @click="another"><span class="mk-ic" aria-hidden="true">close</span></button></template>
        <template v-else><label class="mk-inp mk-sm"><span class="mk-ic mk-s18" aria-hidden="true">search</span><span class="mk-vh">{{ words.whichClaim }}</span><input ref="seek" v-model="sought" type="search" maxlength="200" autocomplete="off" :dir="sought ? 'auto' : null" :placeholder="words.whichClaim + ' ' + words.findClaim" data-testid="find-claim" @input="seek" @keydown.enter.prevent="offered[0] && choose(offered[0])"></label>
          <ul v-if="offered.length" :aria-label="words.whichClaim"><li v-for="claim in offered" :key="claim.number"><button type="button" class="mk-mi" data-testid="offered-claim" :data-claim="claim.number" @click="choose(claim)"><bdi class="mk-ell mk-grow">{{ claim.name }}</bdi><bdi v-if="claim.plate" class="mk-num mk-t3" dir="ltr">{{ claim.plate }}</bdi><bdi class="mk-num" dir="ltr">{{ claim.number }}</bdi></button></li></ul>
          <p v-else-if="found" class="mk-sm mk-t3" role="status">{{ words.noClaim }}</p></template></div>
      <p v-if="refused" class="mk-help mk-e mk-refused" role="alert" data-testid="send-error"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused }}</span></p>
      <p v-else-if="late" class="mk-help mk-refused" role="status" data-testid="send-late"><span class="mk-ic" aria-hidden="true">schedule</span><span>{{ words.late }}</span></p>
      <div class="mk-br"><template v-if="attach && !internal"><input ref="input" type="file" multiple class="mk-vh" tabindex="-1" aria-hidden="true" :accept="attach.taken.accept" data-testid="attach-input" @change="pick($event.target.files); $event.target.value = ''"><button type="button" class="mk-ib" :aria-label="words.attach" :title="words.attach" data-testid="attach" @click="$refs.input.click()"><span class="mk-ic" aria-hidden="true">attach_file</span></button></template>
        <button v-if="templates.length" type="button" class="mk-ib" :aria-label="words.templates" :title="words.templates" :aria-expanded="String(menu)" aria-haspopup="menu" data-testid="templates" @click="toggle"><span class="mk-ic" aria-hidden="true">quick_phrases</span></button>
        <button v-if="people.length" type="button" class="mk-ib" :aria-label="words.mention" :title="words.mention" data-testid="mention-open" @click="insert('@'); look()"><span class="mk-ic" aria-hidden="true">alternate_email</span></button>
        <span class="mk-xs mk-t3 mk-hide-xs" role="status" data-testid="draft-kept">{{ kept && body ? words.kept : '' }}</span><span class="mk-sp"></span>
        <span class="mk-xs mk-t3 mk-hide-xs mk-entr"><span class="mk-kbd">Enter</span> {{ words.enter }}</span>
        <button type="submit" class="mk-btn mk-p" :disabled="busy || !ready ? true : null" data-testid="send" :aria-label="words.send"><span class="mk-ic mk-flip" aria-hidden="true">send</span><span class="mk-hide-xs">{{ busy ? words.sending : words.send }}</span></button></div></div>
  </form>
  <p v-else class="mk-writing mk-sm mk-t3">{{ words.readOnly }}</p>`;

export default {
  template: `
    <div class="mk-talk"><section class="mk-card mk-thread" data-testid="thread" :aria-label="words.thread">
      <header class="mk-threadh"><a v-if="back" class="mk-ib mk-lg mk-only-sm" :href="back" :aria-label="words.back"><span class="mk-ic mk-s24 mk-dir" aria-hidden="true">arrow_forward</span></a>
        <span class="mk-av mk-s40" :class="'mk-hue-' + head.hue" aria-hidden="true">{{ head.initials }}</span>
        <div class="mk-grow"><h2 class="mk-ell">{{ head.title }}</h2><div class="mk-sm mk-t3 mk-ell">{{ head.sub }}<template v-if="head.number"> · <bdi class="mk-num" dir="ltr">{{ head.number }}</bdi></template></div></div>
        <a v-if="back && head.href" class="mk-ib" :href="head.href" :aria-label="words.openClaim" :title="words.openClaim" data-testid="open-claim"><span class="mk-ic" aria-hidden="true">directions_car</span></a></header>
      <div class="mk-conv" ref="list" role="log" tabindex="0" :aria-label="words.thread" @scroll.passive="scrolled">
        <button v-if="older" type="button" class="mk-btn mk-g mk-sm mk-olderb" data-testid="older" @click="askOlder">{{ words.older }}</button>
        <div v-if="!items.length" class="mk-empty"><span class="mk-ic mk-s28 mk-t3" aria-hidden="true">chat</span><p>{{ words.none }}</p><p class="mk-sm">{{ words.noneHint }}</p></div>
        <template v-for="item in lines" :key="item.id"><div v-if="item.newDay" class="mk-dsep"><span>{{ item.day }}</span></div>
          <div v-if="item.firstFresh" class="mk-dsep mk-new" ref="fresh" data-testid="new-messages"><span>{{ freshText }}</span></div>${BUBBLE}</template>
      </div>
      <button v-if="below" type="button" class="mk-pill mk-pick mk-belowb" @click="toEnd"><span class="mk-ic mk-s16" aria-hidden="true">arrow_downward</span>{{ words.new }}</button>${COMPOSE}
    </section>
    <aside v-if="!back && head.people && head.people.length" class="mk-card mk-bd2 mk-parts"><h2>{{ words.people }}</h2><div v-for="person in head.people" :key="person.name" class="mk-row"><span class="mk-av" :class="'mk-hue-' + person.hue" aria-hidden="true">{{ person.initials }}</span><span><b>{{ person.name }}</b><span class="mk-sm mk-t3">{{ person.role }}</span></span></div></aside></div>`,
  props: {
    items: Array, head: Object, older: Boolean, people: Array, templates: Array, draft: Object, answer: Object, filled: Object, readId: Number, attach: Object, found: Object,
    back: String, name: String, writes: Boolean, staff: Boolean, words: Object,
  },
  emits: ['send', 'draft', 'seen', 'older', 'template', 'find'],
  data: () => ({body: '', internal: false, busy: false, late: false, refused: '', kept: false, menu: false, calling: [], chosen: 0, below: false, files: [], goal: null, sought: '', queue: null}),
  computed: {
    lines() {
      const firstFresh = this.items.find((item) => item.fresh), last = this.items.findLast((item) => item.tick);
      return this.items.map((item, place) => {
        const before = this.items[place - 1];
        return {
          ...item, parts: this.parts(item.text), newDay: !before || before.day !== item.day, firstFresh: item === firstFresh, last: item === last,
          again: before && before.by === item.by && before.day === item.day && before.internal === item.internal && item !== firstFresh,
        };
      });
    },
    offered() { return this.found?.claims || []; },
    ready() { return Boolean(this.body.trim() || this.files.length); },
    freshText() {
      const count = this.items.filter((item) => item.fresh).length;
      return count === 1 ? this.words.fresh.one : this.words.fresh.many.replace('0', count);
    },
  },
  created() { this.last = null; this.seenId = 0; this.arrived = false; this.onScreen = false; this.restored = false; this.turns = {}; this.since = 0; this.drafts = []; },
  mounted() {
    this.restore();
    this.startQueue();
    this.screen = new IntersectionObserver((entries) => {
      this.onScreen = entries.at(-1).isIntersecting;
      if (this.onScreen) this.arrive();
    });
    this.screen.observe(this.$refs.list);
    this.turned = () => { if (document.visibilityState === 'visible') this.see(); else this.keep(); };
    this.outside = (event) => { if (this.menu && !event.target.closest('.mk-templates,[data-testid=templates]')) this.menu = false; };
    document.addEventListener('visibilitychange', this.turned);
    addEventListener('pointerdown', this.outside);
    addEventListener('pagehide', this.turned);
    // words are kept, files cannot be
    this.leaving = (event) => { if (this.files.length && !maakav.leaving) event.preventDefault(); };
    addEventListener('beforeunload', this.leaving);
  },
  unmounted() {
    this.screen.disconnect();
    this.queue?.stop();
    this.ending?.();
    clearTimeout(this.timer);
    clearTimeout(this.seeking);
    document.removeEventListener('visibilitychange', this.turned);
    removeEventListener('pointerdown', this.outside);
    removeEventListener('pagehide', this.turned);
    removeEventListener('beforeunload', this.leaving);
  },
  watch: {
    'queue.rows': {deep: true, handler(rows) { for (const row of rows) if (row.state === 'arrived') setTimeout(() => this.queue.remove(row), 4000); }},
    items(now, before) {
      const list = this.$refs.list, atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR, height = list.scrollHeight;
      const grewAbove = before.length && now.length && now[0].id !== before[0].id;
      const mine = now.length && now.at(-1).mine && (!before.length || now.at(-1).id !== before.at(-1).id);
      this.$nextTick(() => {
        if (!this.arrived) this.arrive();
        else if (grewAbove && !mine) list.scrollTop += list.scrollHeight - height;
        else if (atEnd || mine) this.toEnd();
        else if (before.length && now.length && now.at(-1).id !== before.at(-1).id) this.below = true;
        this.see();
      });
      this.queue?.settle();
      const typed = this.body.trim(), sent = this.sentSince().find((text) => typed === text || typed.startsWith(text + '\n\n'));
      if (sent) { this.without(sent); maakav.say(this.words.sentElsewhere); }
    },
    answer(told) {
      if (!this.isNew('answer', told) || told.key !== this.letter?.key) return;
      if (!this.busy && told.message) return;  // it was said again, and may be kept though it was refused before
      this.ending();
      Object.assign(this, {busy: false, late: false, refused: told.message});
      if (told.message) { this.later(); return; }  // a draft again
      this.last = null;
      this.since = Math.max(this.since, told.sent);
      this.without(this.letter.body);
      this.upload(told.sent);
    },
    filled(told) { if (this.isNew('filled', told)) this.insert(told.text); },
    draft() { this.restore(); },
    attach() { this.startQueue(); },
  },
  methods: {
    parts(text) {
      const names = this.people.map((person) => '@' + person.name).filter((name) => text.includes(name));
      if (!names.length) return [{text}];
      const pattern = new RegExp('(' + names.map((name) => name.replace(/[.*+?^$()|[\]{}\\]/g, '\\$&')).join('|') + ')');
      return text.split(pattern).filter(Boolean).map((part) => ({text: part, call: names.includes(part)}));
    },
    // every update brings all properties along: what was told before is not told again
    isNew(name, told) { const is = Boolean(told) && told.turn > (this.turns[name] || 0); if (is) this.turns[name] = told.turn; return is; },
    /* ---- files: they go once their message is there, and become documents of the claim ---- */
    pick(files) {
      if (!this.attach || !files.length) return;
      if (this.internal) { this.refused = this.words.noneInNotes; return; }
      // what would be refused is refused before the message names it
      const told = [...files].map((file) => ({file, why: maakav.whyNot(file, this.attach.taken, this.words)})), taken = told.filter(({why}) => !why);
      this.refused = told.filter(({why}) => why).map(({file, why}) => `\u2068${file.name}\u2069: ${why}`).join(' ');
      this.files.push(...taken.map(({file}) => ({file, type: kindOf(file, this.attach.types, this.attach.free)})));
      if (taken.length && !this.attach.address && !this.goal) this.another();
    },
    drop(place) { maakav.ordered(); this.files.splice(place, 1); },
    pasted(event) { if (event.clipboardData?.files.length && this.attach) { event.preventDefault(); this.pick(event.clipboardData.files); } },
    /* ---- in a general thread one says which claim they belong to ---- */
    another() { this.goal = null; this.sought = ''; this.$emit('find', ''); this.$nextTick(() => this.$refs.seek?.focus()); },
    seek() { clearTimeout(this.seeking); this.seeking = setTimeout(() => this.$emit('find', this.sought), SEEK_AFTER); },
    choose(claim) { this.goal = claim; this.refused = ''; this.$refs.box.focus(); },
    /* What an earlier page left on its way is told at once; it may have come in the very last moment. */
    startQueue() {
      if (this.queue || !this.attach) return;
      const {address, taken} = this.attach, key = 'maakav.attached.' + this.name;
      this.queue = new UploadQueue({address, key, words: this.words, taken});
      this.queue.start((row) => {
        const item = this.items.find(({id}) => id === row.slot.message);
        return item?.files.some((file) => file.bytes === row.size) && {at: item.at};
      });
    },
    upload(message) {
      const going = this.files.filter((item) => this.going.includes(item)), address = this.attach?.address || this.goingTo?.address;
      if (!going.length) return;
      this.startQueue();
      const types = new Map(going.map((item) => [item.file, item.type]));
      this.files = this.files.filter((item) => !going.includes(item));
      if (this.goal === this.goingTo) this.goal = null;
      this.queue.add([...types.keys()], (file) => ({type: types.get(file), need: null, replaces: null, label: '', message, address}));
    },
    told(row) {
      if (row.state === 'sending') return this.words.uploading + ' ' + Math.round(row.share * 100) + '%';
      return row.message || this.words[{arrived: 'savedAs', known: 'savedAs'}[row.state] || row.state];
    },
    /* ---- reading ---- */
    arrive() {
      if (!this.items.length || !this.onScreen) return;
      if (!this.arrived) {
        this.arrived = true;
        const fresh = this.$el.querySelector('[data-testid=new-messages]');
        if (fresh) this.$refs.list.scrollTop = fresh.offsetTop - this.$refs.list.offsetTop - 60; else this.toEnd();
      }
      this.see();
    },
    see() {
      const heard = this.items.filter((item) => !item.internal), last = heard.length ? heard.at(-1).id : 0;
      if (!this.onScreen || document.visibilityState !== 'visible' || last <= Math.max(this.seenId, this.readId)) return;
      this.seenId = last;
      this.$emit('seen', last);
    },
    scrolled() { const list = this.$refs.list; if (list.scrollHeight - list.scrollTop - list.clientHeight < NEAR) this.below = false; },
    toEnd() { this.below = false; this.$refs.list.scrollTop = this.$refs.list.scrollHeight; },
    askOlder() { this.$emit('older'); },
    /* ---- writing ---- */
    restore() {
      if (this.restored || !this.draft) return;
      this.restored = true;
      if (this.body) return;
      const local = this.remembered(), text = local || this.draft, other = this.draft.body;
      Object.assign(this, {body: text.body, internal: Boolean(this.staff && text.internal), last: local?.last || null, since: local ? local.since : this.newest()});
      this.tell(other, text.body);
      const typed = this.body.trim();
      if (typed && this.sentSince().some((sent) => sent === typed || (local?.kept && sent.split('\n\n').includes(typed)))) this.empty();
      // what was kept for this window and differs now is of another window: neither is lost to the other
      if (local?.kept && !this.body.includes(other)) {
        this.body = other.includes(this.body) ? other : other + '\n\n' + this.body;
        this.internal ||= Boolean(this.staff && this.draft.internal);
      }
      if (local) this.later();
      this.$nextTick(this.grow);
    },
    // the server may have any of the last states of this box, as far as its page knows
    tell(...bodies) { this.drafts = [...this.drafts, ...bodies].slice(-4); },
    newest() { return this.items.length ? this.items.at(-1).id : 0; },
    /* What its person has sent since this was typed, from another window or before an answer that never came. */
    sentSince() { return this.busy ? [] : this.items.filter((item) => item.mine && item.id > this.since && item.internal === this.internal).map((item) => item.text); },
    /* What was typed on behind a text that was sent is the next one. */
    without(sent) {
      this.body = maakav.behind(this.body, sent);
      if (!this.body) { this.empty(); return; }
      this.remember();
      this.later();
      this.$nextTick(this.grow);
    },
    empty() { this.body = ''; this.forget(); this.$nextTick(this.grow); },
    remembered() { try { return JSON.parse(sessionStorage.getItem('maakav.draft.' + this.name)); } catch { return null; } },
    remember() { if (maakav.leaving) return; try { sessionStorage.setItem('maakav.draft.' + this.name, JSON.stringify({at: Date.now(), body: this.body, internal: this.internal, last: this.last, since: this.since, kept: this.kept})); } catch { /* full or forbidden: the server keeps it */ } },
    forget() { clearTimeout(this.timer); this.timer = null; try { sessionStorage.removeItem('maakav.draft.' + this.name); } catch { /* as above */ } },
    typed() { this.refused = this.tooLong(); this.since = Math.max(this.since, this.newest()); this.grow(); this.look(); this.later(); this.remember(); },
    tooLong() { return this.body.length > this.words.most ? this.words.tooLong[this.internal].replace('{length}', this.body.length) : ''; },
    later() { this.kept = false; clearTimeout(this.timer); this.timer = setTimeout(() => this.keep(), DRAFT_AFTER); },
    keep() {
      // what is on its way is no draft; and what is too long stays with this window
      if (!this.timer || (this.busy && this.body === this.letter.body) || this.tooLong()) return;
      clearTimeout(this.timer);
      this.timer = null;
      this.tell(this.body);
      this.$emit('draft', {body: this.body, internal: this.internal});
    },
    drafted(body) {
      if (body !== this.body || this.timer) return;
      this.kept = true;
      if (body) this.remember(); else this.forget();
    },
    aim(internal) {
      if (internal && this.files.length) { this.refused = this.words.noneInNotes; return; }
      this.internal = internal; this.refused = this.tooLong(); this.later(); this.remember(); this.$refs.box.focus();
    },
    grow() { const box = this.$refs.box; if (box) { box.style.height = 'auto'; box.style.height = Math.min(box.scrollHeight, 220) + 'px'; } },
    send() {
      if (this.busy || !this.ready) return;
      this.refused = this.tooLong();
      if (this.refused) return;
      if (this.files.length && !this.attach.address && !this.goal) { this.refused = this.words.whichClaim; this.$refs.seek.focus(); return; }
      if (!this.body.trim()) this.body = this.words.files.replace('{names}', this.files.map((item) => item.file.name).join(', ')).slice(0, 1000);
      clearTimeout(this.timer);
      this.timer = null;
      this.last = maakav.keyed(this.internal + this.body, this.last);
      this.letter = {
        body: this.body, internal: this.internal, key: this.last.key, drafts: this.drafts,
        mentions: this.people.filter((person) => this.body.includes('@' + person.name)).map((person) => person.id),
      };
      Object.assign(this, {calling: [], menu: false, busy: true, going: [...this.files], goingTo: this.goal});
      this.remember();
      this.ending = maakav.insist(() => this.$emit('send', this.letter), () => { this.late = true; });
    },
    pressed(event) {
      if (this.calling.length && this.picked(event)) return;
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    },
    picked(event) {
      const moves = {ArrowDown: 1, ArrowUp: -1};
      if (event.key in moves) this.chosen = (this.chosen + moves[event.key] + this.calling.length) % this.calling.length;
      else if (event.key === 'Enter' || event.key === 'Tab') this.call(this.calling[this.chosen]);
      else if (event.key === 'Escape') { this.calling = []; event.stopPropagation(); }
      else return false;
      event.preventDefault();
      return true;
    },
    look() {
      const box = this.$refs.box, found = box && box.value.slice(0, box.selectionStart).match(/(?:^|\s)@([^@\n]{0,30})$/);
      this.calling = found ? this.people.filter((person) => person.name.startsWith(found[1]) && person.name !== found[1]).slice(0, 6) : [];
      this.chosen = 0;
    },
    call(person) {
      const box = this.$refs.box, upTo = box.value.slice(0, box.selectionStart), start = upTo.lastIndexOf('@');
      this.put(box.value.slice(0, start) + '@' + person.name + ' ', box.value.slice(box.selectionStart));
      this.calling = [];
    },
    insert(text) { const box = this.$refs.box; this.put(box.value.slice(0, box.selectionStart) + text, box.value.slice(box.selectionEnd)); },
    put(before, after) {
      this.body = before + after;
      this.$nextTick(() => { const box = this.$refs.box; box.focus(); box.setSelectionRange(before.length, before.length); this.typed(); });
    },
    toggle() {
      this.menu = !this.menu;
      if (this.menu) this.$nextTick(() => this.$el.querySelector('[role=menuitem]').focus());
    },
    take(template) { this.menu = false; this.$emit('template', template.id); },
    leaveMenu(event) {
      if (!this.menu) return;
      event.stopPropagation();
      this.menu = false;
      this.$refs.box.focus();
    },
  },
};
