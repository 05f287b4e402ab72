/* Above the list: views with counts, search with its scope, filters as chips; a sheet of filters on the phone. */
const DAYS = (filter) => [['from', 'pickFirst'], ['to', 'pickLast']].map(([end, pick]) => `<day-field :key="${filter}.name + '-${end}-' + cleared" look="mk-gh" :label="texts.${end}" :pick="texts.${pick}" :model-value="${filter}.${end}" @settled="choose(${filter}.name + '_${end}', [$event])"></day-field>`).join('');
const MENU = `
  <div class="mk-pop mk-menu mk-fmenu" role="dialog" :aria-label="opened.label">
    <template v-if="opened.dates">${DAYS('opened')}</template>
    <template v-else>
      <label v-if="opened.choices.length > 8" class="mk-inp mk-sm mk-ffind"><span class="mk-ic" aria-hidden="true">search</span><input type="search" v-model="sought" :placeholder="texts.find" :aria-label="texts.find"></label>
      <div class="mk-scroll"><label v-for="choice in found(opened)" :key="choice.key" class="mk-mi"><input type="checkbox" class="mk-check" :checked="isOn(opened, choice)" @change="pick(opened, choice, $event.target.checked)"><span v-if="choice.hue" class="mk-chip" :class="'mk-hue-' + choice.hue"><span class="mk-ic" aria-hidden="true">{{ choice.icon }}</span><span class="mk-ell">{{ choice.label }}</span></span><bdi v-else>{{ choice.label }}</bdi><span class="mk-sp"></span><span v-if="number(choice)" class="mk-num mk-t3" dir="ltr">{{ number(choice) }}</span></label></div>
    </template>
    <div class="mk-fend"><button type="button" class="mk-btn mk-g mk-sm" :disabled="opened.chosen ? null : true" @click="choose(opened.name, [])">{{ texts.clear }}</button><button type="button" class="mk-btn mk-p mk-sm" data-testid="filter-show" @click="shut">{{ showText }}</button></div>
  </div>`;
const SHEET = `
  <div class="mk-scrim" @click.self="sheet = false" @keydown.esc="sheet = false">
    <div class="mk-sheet" role="dialog" aria-modal="true" :aria-label="texts.filters" ref="sheet" tabindex="-1">
      <div class="mk-grab"></div>
      <div class="mk-sheet-h"><h2>{{ texts.filters }}</h2><button type="button" class="mk-btn mk-g" @click="empty">{{ texts.clear }}</button></div>
      <div v-for="filter in filters" :key="filter.name" class="mk-sheet-g"><span class="mk-gh">{{ filter.label }}</span>
        <div v-if="filter.dates" class="mk-pills">${DAYS('filter')}</div>
        <div v-else class="mk-pills"><button type="button" v-for="choice in filter.choices" :key="choice.key" class="mk-pill" :class="{'mk-pick': isOn(filter, choice)}" :aria-pressed="String(isOn(filter, choice))" @click="pick(filter, choice, !isOn(filter, choice))"><span v-if="choice.icon" class="mk-ic mk-s18" aria-hidden="true">{{ isOn(filter, choice) ? 'check' : choice.icon }}</span>{{ choice.label }}</button></div>
      </div>
      <button type="button" class="mk-btn mk-p mk-xl mk-w" @click="sheet = wrongDay()">{{ showText }}</button>
    </div>
  </div>`;

export default {
  components: {DayField: maakav.dayField},
  mixins: [maakav.parts({menu: MENU, sheet: SHEET})],
  template: `
    <div class="mk-contents">
      <div class="mk-tabs"><div class="mk-contents" role="tablist" :aria-label="texts.views">
        <a v-for="view in views" :key="view.name" class="mk-tab" :class="{'mk-on': view.name === state.view}" role="tab" :aria-selected="String(view.name === state.view)"
           :href="'/?view=' + view.name" :data-testid="'view-' + view.name" @click.prevent="$emit('change', {view: view.name})">{{ view.label }} <span class="mk-badge" :class="{'mk-br': view.name === 'unread' && counted(view) !== '0'}">{{ counted(view) }}</span></a>
      </div><slot name="views"></slot></div>
      <div class="mk-tool">
        <div class="mk-sbox" role="search">
          <label class="mk-scope"><span class="mk-vh">{{ texts.searchIn }}</span><select data-testid="search-field" :value="state.scope" @change="$emit('change', {scope: $event.target.value})"><option v-for="scope in scopes" :key="scope.name" :value="scope.name">{{ scope.label }}</option></select></label>
          <span class="mk-ic" aria-hidden="true">search</span>
          <input type="search" data-testid="search" v-model="typed" :placeholder="texts.search" :aria-label="texts.search" maxlength="100" autocomplete="off" @input="later" @keydown.enter="now" @keydown.esc="clear">
          <button type="button" v-if="typed" class="mk-ib mk-sm" :aria-label="texts.clearSearch" @click="clear"><span class="mk-ic" aria-hidden="true">close</span></button>
        </div>
        <button type="button" class="mk-fbtn" ref="tune" data-testid="filter-sheet" :aria-label="texts.filters" @click="sheet = true"><span class="mk-in"><span class="mk-ic" aria-hidden="true">tune</span><span v-if="active.length">{{ active.length }}</span></span></button>
        <span class="mk-vr mk-hide-sm"></span>
        <div class="mk-fchips" ref="chips">
          <div v-for="filter in offered" :key="filter.name" class="mk-fbox" :class="{'mk-hide-md': !more && !filter.chosen && (filter.name === 'documents' || filter.dates)}" @keydown.esc.stop="leave">
            <span v-if="filter.chosen" class="mk-fchip mk-on" data-testid="active-filter" :data-filter="filter.name"><button type="button" @click="toggle(filter.name)" :aria-expanded="String(open === filter.name)">{{ filter.label }}: <b>{{ filter.chosen }}</b></button><button type="button" :aria-label="texts.remove + ' ' + filter.label" @click="choose(filter.name, [])"><span class="mk-ic" aria-hidden="true">close</span></button></span>
            <button type="button" v-else class="mk-fchip" :data-testid="'filter-' + filter.name" @click="toggle(filter.name)" :aria-expanded="String(open === filter.name)"><span class="mk-ic" aria-hidden="true">{{ filter.dates ? 'calendar_month' : 'add' }}</span>{{ filter.label }}</button>
            <component v-if="open === filter.name" :is="part('menu')"></component>
          </div>
          <button type="button" v-if="!more && offered.length < filters.length" class="mk-fchip" data-testid="filters-more" :aria-label="texts.moreFilters" @click="more = true"><span class="mk-ic" aria-hidden="true">tune</span>{{ texts.more }}</button>
          <button type="button" v-if="active.length || state.q" class="mk-btn mk-g mk-sm" data-testid="filters-clear" @click="empty">{{ texts.clear }}</button>
          <button type="button" v-if="state.view === 'unread' && unread" class="mk-btn mk-g mk-sm" data-testid="read-all" @click="$emit('read_all')"><span class="mk-ic" aria-hidden="true">mark_email_read</span>{{ texts.readAll }}</button>
        </div>
        <span class="mk-sp"></span><slot name="columns"></slot>
      </div>
      <p v-if="onPaper" class="mk-paper" data-testid="on-paper">{{ onPaper }}</p>
      <p v-if="misread" class="mk-call-out mk-hue-amber mk-misread" role="status" data-testid="misread-day"><span class="mk-ic" aria-hidden="true">info</span><span>{{ misread }}</span></p>
      <component v-if="sheet" :is="part('sheet')"></component>
    </div>`,
  props: {state: Object, views: Array, upto: Number, most: Number, scopes: Array, filters: Array, counts: Object, misread: String, heard: Number, texts: Object},
  emits: ['change', 'filter', 'clear', 'restore', 'read_all', 'menu'],
  data: () => ({typed: '', open: '', sought: '', sheet: false, more: false, cleared: 0, told: [], wanted: {}}),
  computed: {
    active() { return this.filters.filter((filter) => filter.chosen); },
    opened() { return this.filters.find((filter) => filter.name === this.open); },
    offered() { return this.filters.filter((filter) => this.more || !filter.more || filter.chosen); },
    /* What the list is limited to, for who holds it in his hand. */
    onPaper() {
      const labels = (filter) => (filter.dates ? filter.chosen : filter.choices.filter((choice) => choice.on).map((choice) => choice.label).join(', '));
      const said = this.active.map((filter) => `${filter.label}: ${labels(filter)}`);
      const scope = this.scopes.slice(1).find(({name}) => name === this.state.scope);
      const sought = this.state.q && (scope ? `${scope.label}: ` : '') + `«${this.state.q}»`;
      return [sought, ...said].filter(Boolean).join(' · ');
    },
    showText() {
      const shown = this.views.find((view) => view.name === this.state.view), n = shown ? this.counted(shown) : '0';
      return n === '0' ? this.texts.show : n === '1' ? this.texts.showOne : this.texts.showMany.replace('{n}', n);
    },
    unread() { return this.views.some((view) => view.name === 'unread' && this.counted(view) !== '0'); },
  },
  created() { this.typed = this.state.q; this.asked = this.heard; },
  mounted() {
    this.back = () => {
      const query = location.search.slice(1, 2000), there = new URLSearchParams(query);
      this.want((name) => (there.get(name) || '').split(','));
      this.$emit('restore', query, this.asked);
    };
    this.outside = (event) => { if (this.open && !event.target.closest('.mk-fbox') && !this.wrongDay()) this.open = ''; };
    addEventListener('popstate', this.back);
    addEventListener('pointerdown', this.outside);
    maakav.follow('news', this.hear);
    this.$nextTick(this.reveal);
  },
  unmounted() {
    removeEventListener('popstate', this.back);
    removeEventListener('pointerdown', this.outside);
    maakav.unfollow('news', this.hear);
  },
  watch: {
    // what came back from the server never replaces what is being typed
    'state.view'() { this.$nextTick(this.reveal); },
    'state.q'(q) { if (!this.pending) this.typed = q; },
    open(name) { this.$emit('menu', name); },
    sheet(open) { this.$nextTick(() => (open ? this.$refs.sheet : this.$refs.tune).focus()); },
  },
  /* Whoever takes a chip away by the keys stands on it, or on what took its place, not at the top of the page. */
  beforeUpdate() {
    const held = document.activeElement, place = [...this.$refs.chips.children].findIndex((chip) => chip.contains(held));
    this.standing = place < 0 ? null : {held, place};
  },
  updated() {
    if (!this.standing || this.standing.held.isConnected) return;
    const left = [...this.$refs.chips.querySelectorAll(':scope > button, :scope > .mk-fbox > button, :scope > .mk-fbox > span > button:first-child')];
    const there = left.filter((button) => button.checkVisibility());
    const after = [...this.$refs.chips.children].slice(this.standing.place);
    (there.find((button) => after.some((chip) => chip.contains(button))) || there.at(-1)).focus();
  },
  methods: {
    reveal() { maakav.reveal(this.$el.querySelector('.mk-tab.mk-on')); },
    // told to all lists at once: what became unread since the numbers were counted
    hear(news) { if (news.fresh && news.number > this.upto) this.told = [...this.told, news.number]; },
    counted(view) {
      const more = view.name === 'unread' ? this.told.filter((number) => number > this.upto).length : 0;
      if (!more || view.count.endsWith('+')) return view.count;
      const count = Number(view.count.replaceAll(',', '')) + more;
      return count > this.most ? `${this.most.toLocaleString('en-US')}+` : count.toLocaleString('en-US');
    },
    later() { clearTimeout(this.pending); this.pending = setTimeout(this.now, 250); },
    now() { clearTimeout(this.pending); this.pending = 0; this.$emit('change', {q: this.typed}); },
    clear() { this.typed = ''; this.now(); },
    empty() { this.typed = ''; this.cleared += 1; this.want(() => []); this.$emit('clear', this.asked); },
    /* Whether a day stands there that is none; one that is just typed is read first. */
    wrongDay() {
      const typed = this.$el.querySelector('[data-day]:focus');
      if (typed) typed.blur();
      const wrong = this.$el.querySelector('[data-day]:invalid');
      if (wrong) wrong.focus();
      return Boolean(wrong);
    },
    // how many claims it has; an answer about a menu that was open before says nothing of this one
    number(choice) { return this.counts && this.counts.menu === this.open ? this.counts.choices[choice.key] : ''; },
    shut(event) { if (!this.wrongDay()) this.leave(event); },
    leave(event) { this.open = ''; event.target.closest('.mk-fbox').querySelector('[aria-expanded]').focus(); },
    toggle(name) { this.open = this.open === name ? '' : name; this.sought = ''; },
    found(filter) { return filter.choices.filter((choice) => !this.sought || choice.label.includes(this.sought.trim())); },
    pick(filter, choice, on) {
      this.choose(filter.name, filter.choices.filter((other) => (other.key === choice.key ? on : this.isOn(filter, other))).map((other) => other.key));
    },
    choose(name, keys) {
      this.want((other) => (other === name ? keys : null));
      this.$emit('filter', name, keys, this.asked);
    },
    /* What is chosen, until an answer that knows of it says what is: one ticks faster than it comes. */
    want(keysOf) {
      this.asked += 1;
      for (const {name} of this.filters) {
        const keys = keysOf(name);
        if (keys) this.wanted[name] = {keys: keys.join().split(','), asked: this.asked};
      }
    },
    isOn(filter, choice) {
      const wanted = this.wanted[filter.name];
      return wanted && wanted.asked > this.heard ? choice.key.split(',').some((key) => wanted.keys.includes(key)) : choice.on;
    },
  },
};
