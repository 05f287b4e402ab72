/* The list itself: a table on the desk, cards below 1024 px. Rows stay where they are while a pointer or the focus is among
   them: changes show in place at once, moves wait behind a pill. */
const PLATE = `<template v-if="row.plate">${maakav.plate('row.plate', "texts.plate + ' ' + row.plate", '')}</template><span v-else class="mk-t3">—</span>`;
const HINT = `<div v-if="row.found" class="mk-ln2" data-testid="found-by"><span class="mk-ic mk-s14" aria-hidden="true">search</span> {{ row.found }}</div><span v-else-if="row.hint" class="mk-chgl"><span>{{ row.hint.label }}<template v-if="row.hint.after">:</template></span><span class="mk-ba" v-if="row.hint.after"><template v-if="row.hint.before"><span class="mk-was" dir="auto">{{ row.hint.before }}</span><span class="mk-ic mk-dir" aria-hidden="true">arrow_back</span><span class="mk-vh"> {{ texts.changedTo }} </span></template><b dir="auto">{{ row.hint.after }}</b></span><span v-if="row.hint.more" class="mk-t3">{{ row.hint.more }}</span></span>`;
const CHIP = `<span class="mk-chip" :class="'mk-hue-' + row.status.hue"><span class="mk-ic" aria-hidden="true">{{ row.status.icon }}</span><span class="mk-ell">{{ row.status.label }}</span></span>`;
const STAGE = `<span class="mk-stg" :class="{'mk-full': row.stage.done === row.stage.total}" role="img" :aria-label="row.stage.aria"><i v-for="n in row.stage.total" :class="n < row.stage.done || row.stage.done === row.stage.total ? 'mk-d' : n === row.stage.done ? 'mk-c' : ''"></i></span>`;
const PICK = `<input type="checkbox" class="mk-check mk-pick" :checked="isPicked(row)" :aria-label="texts.pick + ' ' + row.name" data-testid="pick" @click.stop="pick(row, $event)">`;
const WHEN = `<span v-if="isNow(row)" class="mk-nowt">{{ when(row) }}</span><time v-else :datetime="row.at" :title="row.exact">{{ when(row) }}</time><span v-if="row.stale" class="mk-stale" role="img" :aria-label="row.stale.told" :title="row.stale.told"> <span class="mk-ic mk-s14">hourglass_empty</span><span> {{ row.stale.days }}</span></span>`;
const WAITS = `<div class="mk-waits" v-if="waiting"><button type="button" class="mk-wait" data-testid="updates-waiting" @click="settle"><span class="mk-ic" aria-hidden="true">arrow_upward</span>{{ waitingText }}</button></div>`;
const EMPTY = `<div v-if="state === 'empty' || state === 'error'" class="mk-empty" :role="state === 'error' ? 'alert' : 'status'" :data-testid="'list-' + state">
      <slot name="picture"></slot><h2>{{ message.title }}</h2><p>{{ message.text }}</p>
      <button type="button" v-if="message.action" class="mk-btn mk-s" @click="$emit('rescue', message.rescue)">{{ message.action }}</button></div>`;
const DESK = `
  <div class="mk-twrap" ref="list" @pointerenter="enter" @pointerleave="leave" @focusin="hold" @focusout="leave">
    ${WAITS}
    <table class="mk-ct" :class="{'mk-picking': picking, 'mk-dense': dense, 'mk-chosen': room}" :style="room ? 'min-width:' + room + 'px' : ''" data-testid="claims-table" :aria-label="texts.table" :aria-busy="String(busy)">
      <colgroup><col style="width:44px"><col v-for="column in columns" :class="'mk-col-' + column.name" :style="column.width ? 'width:' + column.width + 'px' : ''"></colgroup>
      <thead><tr><th scope="col"><span class="mk-pk"><input type="checkbox" class="mk-check mk-pick" :checked="wholePage" :indeterminate="picking && !wholePage" :aria-label="texts.pickPage" :disabled="state !== 'ready' ? true : null" data-testid="pick-page" @click.stop="pickPage"></span><span class="mk-vh">{{ texts.change }}</span></th>
        <th v-for="column in columns" scope="col" :class="['mk-col-' + column.name, {'mk-sorted': sorted(column)}]" :aria-sort="sorted(column) ? (descending ? 'descending' : 'ascending') : null">
          <button type="button" v-if="column.sortable" @click="$emit('sort', column.name)">{{ column.label }}<span v-if="sorted(column)" class="mk-ic" aria-hidden="true">{{ descending ? 'arrow_downward' : 'arrow_upward' }}</span></button><template v-else>{{ column.label }}</template></th></tr></thead>
      <tbody v-if="state === 'loading'"><tr v-for="n in 9" :key="n" aria-hidden="true"><td></td><td v-for="column in columns" :class="'mk-col-' + column.name"><span class="mk-sk" :style="'width:' + (40 + (n * 17 + column.name.length * 11) % 50) + '%'"></span></td></tr></tbody>
      <tbody v-else-if="state === 'ready'">
        <tr v-for="row in shown" :key="row.no" data-testid="claim-row" :data-claim="row.no" :data-unread="String(row.unread)" :class="{'mk-chg': row.unread, 'mk-arr': arriving[row.no], 'mk-sel': isPicked(row)}">
          <td><span class="mk-pk">${PICK}<span v-if="row.unread" class="mk-udot" role="img" :aria-label="texts.unread"></span></span></td>
          <td v-for="column in columns" :class="['mk-col-' + column.name, {'mk-k': column.name === 'claim_no', 'mk-amt': column.kind === 'money', 'mk-t2': column.name === 'agent' || column.kind === 'when'}]">
            <template v-if="column.name === 'insured_name'"><div class="mk-nm mk-ell" dir="auto"><a class="mk-rowlink" :href="row.href" :title="inFull(row)" @mousemove="tip($event.target, titleUnder($event) || inFull(row))" @mouseleave="tip($event.target, inFull(row))" @keydown.space.prevent="pick(row, $event)">{{ row.name }}</a></div>${HINT}<div v-if="!row.hint && !row.found" class="mk-ln2">{{ row.line2 }}</div></template>
            <template v-else-if="column.name === 'plate'">${PLATE}</template>
            <template v-else-if="column.name === 'status'">${CHIP}</template>
            <template v-else-if="column.name === 'repair_stage'"><div v-if="row.stage" class="mk-stgw"><span class="mk-n"><span class="mk-ell">{{ row.stage.label }}</span><bdi v-if="row.stage.done && row.stage.done < row.stage.total" class="mk-num" dir="ltr">{{ row.stage.done }}/{{ row.stage.total }}</bdi></span>${STAGE}</div><span v-else class="mk-t3">—</span></template>
            <template v-else-if="column.name === 'updated_at'">${WHEN}</template>
            <span v-else-if="column.kind === 'papers'" class="mk-chip" :class="'mk-hue-' + row.documents.hue"><span class="mk-ell">{{ row.documents.label }}</span></span>
            <bdi v-else-if="column.numeric && row[column.name]" class="mk-num" :class="{'mk-late': column.kind === 'due' && row.late}" dir="ltr">{{ row[column.name] }}</bdi>
            <span v-else :title="row[column.name] || null" :class="{'mk-t3': !row[column.name]}">{{ row[column.name] || '—' }}</span>
          </td>
        </tr>
      </tbody>
    </table>
    ${EMPTY}
  </div>`;
const CARDS = `
  <div class="mk-mlist" ref="list" data-testid="claims-table" :role="state === 'ready' ? 'list' : 'region'" :aria-label="texts.table" :aria-busy="String(busy)" @pointerenter="enter" @pointerleave="leave" @focusin="hold" @focusout="leave" @touchstart.passive="touch">
    ${WAITS}
    <template v-if="state === 'loading'"><div v-for="n in 5" :key="n" class="mk-mc" aria-hidden="true"><span class="mk-sk" style="width:45%"></span><br><span class="mk-sk" style="width:70%"></span><br><span class="mk-sk" style="width:90%"></span></div></template>
    <template v-else-if="state === 'ready'">
      <div v-for="row in shown" :key="row.no" role="listitem"><a class="mk-mc" :href="row.href" :title="inFull(row)" data-testid="claim-row" :data-claim="row.no" :data-unread="String(row.unread)" :class="{'mk-chg': row.unread, 'mk-arr': arriving[row.no], 'mk-sel': isPicked(row)}" @keydown.space.prevent="pick(row, $event)" @click="tap(row, $event)" @contextmenu="tapMenu" @touchstart.passive="press(row)" @touchmove.passive="release" @touchend="release" @touchcancel="release">
        <div class="mk-l1"><span v-if="picking" class="mk-tickd" :class="{'mk-on': isPicked(row)}" role="img" :aria-label="isPicked(row) ? texts.isPicked : texts.isNotPicked" data-testid="picked"><span v-if="isPicked(row)" class="mk-ic" aria-hidden="true">check</span></span><span v-if="row.unread" class="mk-udot" role="img" :aria-label="texts.unread"></span><span class="mk-nm mk-ell mk-grow" dir="auto">{{ row.name }}</span>${PLATE}</div>
        ${HINT}<div v-if="!row.hint && !row.found" class="mk-ln2">{{ row.line2 }}</div>
        <div v-if="row.stage" class="mk-l3">${STAGE}<span class="mk-sn">{{ row.stage.label }} <bdi v-if="row.stage.done && row.stage.done < row.stage.total" class="mk-num mk-t3" dir="ltr">{{ row.stage.done }}/{{ row.stage.total }}</bdi></span></div>
        <div class="mk-l4">${CHIP}<span class="mk-ell">{{ row.tp_insurer }}</span><bdi v-if="row.demand_amount" class="mk-num mk-b" dir="ltr">{{ row.demand_amount }}</bdi><span class="mk-sp"></span>${WHEN}</div>
      </a></div>
    </template>
    ${EMPTY}
  </div>`;

export default {
  mixins: [maakav.parts({desk: DESK, cards: CARDS})],
  template: `
    <div class="mk-contents">
      <component :is="part(compact ? 'cards' : 'desk')" :key="String(compact)"></component>
      <div class="mk-tfoot" v-if="state === 'ready'">
        <span class="mk-ell" data-testid="range">{{ range }}</span><slot name="sum"></slot><span class="mk-sp"></span>
        <label class="mk-hide-xs mk-row"><span>{{ texts.pageSize }}</span><select class="mk-size" :value="size" @change="$emit('size', Number($event.target.value))" data-testid="page-size"><option v-for="n in sizes" :key="n" :value="n">{{ n }}</option></select></label>
        <nav class="mk-pgr" :aria-label="texts.pages" v-if="pages.length > 1 || page > 1">
          <button type="button" class="mk-ib mk-sm" :disabled="page <= 1" @click="$emit('page', page - 1)" :aria-label="texts.previous"><span class="mk-ic mk-dir" aria-hidden="true">chevron_right</span></button>
          <button type="button" v-for="n in pages" :key="n" class="mk-pn" :class="{'mk-on': n === page}" :aria-current="n === page ? 'page' : null" @click="$emit('page', n)">{{ n }}</button>
          <button type="button" class="mk-ib mk-sm" :disabled="!more" @click="$emit('page', page + 1)" :aria-label="texts.next"><span class="mk-ic mk-dir" aria-hidden="true">chevron_left</span></button>
        </nav>
      </div>
      <span class="mk-vh" role="status" aria-live="polite">{{ spoken }}</span>
    </div>`,
  props: {
    rows: Array, upto: Number, trail: String, columns: Array, room: Number, dense: Boolean, sort: String, page: Number, pages: Array, more: Boolean, size: Number, sizes: Array, range: String,
    state: String, message: Object, texts: Object, asked: Number, listed: String, busy: Boolean,
  },
  emits: ['sort', 'page', 'size', 'rescue'],
  data: () => ({known: [], shown: [], waiting: 0, arriving: {}, compact: false, inside: false, spoken: '', clock: 0, toSay: [], picked: {}, all: false, anchor: ''}),
  computed: {
    picking() { return this.all || Object.keys(this.picked).length > 0; },
    wholePage() { return this.shown.length > 0 && this.shown.every(this.isPicked); },
    descending() { return this.sort.startsWith('-'); },
    waitingText() { return (this.waiting === 1 ? this.texts.waitingOne : this.texts.waitingMany).replace('{n}', this.waiting); },
  },
  created() {
    this.told = [];
    this.answered = this.asked;
    this.known = this.shown = this.rows;
    this.narrow = matchMedia('(max-width: 1023.98px)');
    this.fit = () => { this.compact = this.narrow.matches; };
    this.fit();
  },
  mounted() {
    this.narrow.addEventListener('change', this.fit);
    this.step = (event) => this.move(event.detail);
    addEventListener('maakav:step', this.step);
    this.unpick = () => { this.picked = {}; this.all = false; };
    addEventListener('maakav:unpick', this.unpick);
    this.pickAll = () => { this.all = true; };
    addEventListener('maakav:pickall', this.pickAll);
    this.ticking = setInterval(() => { this.clock++; }, 30000);
    this.speaking = setInterval(this.speak, 5000);
    maakav.follow('news', this.hear);
  },
  unmounted() {
    this.narrow.removeEventListener('change', this.fit);
    removeEventListener('maakav:step', this.step);
    removeEventListener('maakav:unpick', this.unpick);
    removeEventListener('maakav:pickall', this.pickAll);
    clearTimeout(this.pressing);
    clearInterval(this.ticking);
    clearInterval(this.speaking);
    maakav.unfollow('news', this.hear);
  },
  watch: {
    // an answer from the server, and on top of it what was told to all lists since it was asked for
    rows(now) {
      this.told = this.told.filter((news) => news.number > this.upto);
      this.known = this.told.reduce(this.patched, now);
      if (this.asked === this.answered) { this.take(this.known); return; }
      // the person asked for other rows himself: they come at once, wherever his pointer is
      this.answered = this.asked;
      this.arriving = {};
      this.settle();
    },
    // another list: what was picked in the one before is no longer meant
    listed() { this.unpick(); },
    picked() { this.tellPicked(); },
    all() { this.tellPicked(); },
    wholePage() { this.tellPicked(); },
  },
  methods: {
    sorted(column) { return this.sort.replace('-', '') === column.name; },
    /* the server's words hold for half a minute; from then on by the browser's own clock */
    when(row) { return this.clock > 0 && globalThis.maakav ? maakav.relative(row.at) : row.when; },
    isNow(row) { return this.clock >= 0 && Date.now() - new Date(row.at).getTime() < 60000; },
    /* What is new, in full: the line that says it is cut where the column ends. The link lies over the whole row. */
    inFull(row) {
      const {label, before, after, whole, more} = row.hint || {};
      const arrow = document.dir === 'rtl' ? '←' : '→', said = whole || [before, after].filter(Boolean).join(` ${arrow} `);
      return [[label, said].filter(Boolean).join(': '), more].filter(Boolean).join(' · ') || null;
    },
    /* Of what lies under the link and has a title of its own, the link shows that one. */
    titleUnder(event) { return (document.elementsFromPoint(event.clientX, event.clientY).find((part) => part !== event.target && part.title) || {}).title; },
    tip(link, text) { link.title = text || ''; },
    enter(event) { if (event.pointerType !== 'touch') { this.inside = true; clearTimeout(this.leaving); } },
    hold() { this.inside = true; clearTimeout(this.leaving); },
    touch() { this.hold(); this.leave({}); },
    leave(event) {
      clearTimeout(this.leaving);
      this.leaving = setTimeout(() => {
        const list = this.$refs.list;
        if (list && (list.matches(':hover') && matchMedia('(hover: hover)').matches || list.contains(document.activeElement))) return;
        this.inside = false;
        this.settle();
      }, 500);
    },
    take(now) {
      const earlier = new Map(this.shown.map((row) => [row.no, row]));
      for (const row of now) {
        const was = earlier.get(row.no);
        if (row.unread && (!was || was.seq < row.seq)) this.announce(row);
      }
      const sameOrder = now.length === this.shown.length && now.every((row, place) => row.no === this.shown[place].no);
      if (!this.inside || sameOrder || this.state !== 'ready') { this.shown = now; this.waiting = 0; return; }
      const fresh = new Map(now.map((row) => [row.no, row]));
      this.waiting = now.filter((row) => !earlier.has(row.no) || earlier.get(row.no).seq < row.seq).length
        + this.shown.filter((row) => row.held).length;
      this.shown = this.shown.map((row) => {
        const next = fresh.get(row.no);
        return next ? {...next, held: row.held || next.seq > row.seq} : row;
      });
      this.waiting = Math.max(this.waiting, 1);
    },
    settle() { this.shown = this.known; this.waiting = 0; },
    hear(news) {
      if (news.number <= this.upto) return;
      this.told.push(news);
      this.known = this.patched(this.known, news);
      this.take(this.known);
    },
    /* Rows with a changed one among them, newest first; a quiet change moves nothing and is no news. */
    patched(rows, news) {
      const row = {...news.row, href: news.row.href + this.trail}, was = rows.find((other) => other.no === row.no);
      if (was && was.seq > row.seq) return rows;
      if (news.quiet) return rows.map((other) => other.no === row.no ? {...row, unread: other.unread, hint: other.hint} : other);
      const others = rows.filter((other) => other.no !== row.no), place = others.findIndex((other) => other.seq < row.seq);
      others.splice(place < 0 ? others.length : place, 0, row);
      return others.slice(0, this.size);
    },
    announce(row) {
      this.arriving = {...this.arriving, [row.no]: true};
      setTimeout(() => { const {[row.no]: gone, ...rest} = this.arriving; this.arriving = rest; }, 7600);
      this.toSay.push(row.hint ? `${row.name}: ${row.hint.label} ${row.hint.after || ''}` : row.name);
    },
    // a page is picked at once where there is a box for it; elsewhere all are offered with the first one
    tellPicked() { dispatchEvent(new CustomEvent('maakav:picked', {detail: {numbers: Object.keys(this.picked), all: this.all, offersAll: this.wholePage || this.compact}})); },
    isPicked(row) { return this.all || !!this.picked[row.no]; },
    pick(row, event) {
      const on = !this.isPicked(row), places = [this.anchor, row.no].map((no) => this.shown.findIndex((other) => other.no === no));
      const range = event.shiftKey && places[0] >= 0 ? this.shown.slice(Math.min(...places), Math.max(...places) + 1) : [row];
      this.set(range, on);
      this.anchor = row.no;
    },
    pickPage() { this.set(this.shown, !this.wholePage); },
    set(rows, on) {
      const picked = {...this.picked};
      for (const row of rows) if (on) picked[row.no] = true; else delete picked[row.no];
      this.picked = picked;
      this.all = false;
    },
    // on a touch screen: press long to begin, then tap
    press(row) { clearTimeout(this.pressing); this.pressed = false; this.pressing = setTimeout(() => { this.pressed = true; this.pick(row, {}); if (navigator.vibrate) navigator.vibrate(15); }, 500); },
    release(event) { clearTimeout(this.pressing); if (this.pressed && event.type === 'touchend' && event.cancelable) event.preventDefault(); },
    tap(row, event) {
      if (this.pressed) { event.preventDefault(); this.pressed = false; return; }
      if (this.picking && this.compact) { event.preventDefault(); this.pick(row, event); }
    },
    tapMenu(event) { if (this.pressed || this.picking) event.preventDefault(); },
    speak() { if (this.toSay.length) { this.spoken = this.toSay.slice(-3).join('. '); this.toSay = []; } },
    move(step) {
      const links = [...this.$el.querySelectorAll('.mk-rowlink, a.mk-mc')];
      if (!links.length) return;
      const place = links.indexOf(document.activeElement);
      links[place < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(place + step, 0), links.length - 1)].focus();
    },
  },
};
