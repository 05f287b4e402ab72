/* A few letters lead anywhere: a combobox over a listbox in a dialog, and the help for the keyboard. Keys go by their place on the
   keyboard, so that they are the same under a Hebrew layout. */
const SEARCH = `
  <div class="mk-palh"><span class="mk-ic" aria-hidden="true">search</span>
    <input ref="input" type="text" role="combobox" aria-autocomplete="list" aria-haspopup="listbox" aria-controls="mk-pal-list" :aria-expanded="String(items.length > 0)" :aria-activedescendant="current ? 'mk-pal-' + current.key : null" :aria-label="words.search" :placeholder="words.search" v-model="typed" maxlength="100" dir="auto" autocomplete="off" spellcheck="false" enterkeyhint="go" data-testid="palette-input" @input="later" @keydown="press">
    <button type="button" class="mk-ib mk-sm" :aria-label="words.close" @click="close"><span class="mk-ic" aria-hidden="true">close</span></button></div>
  <div v-show="items.length" class="mk-pall" id="mk-pal-list" role="listbox" :aria-label="words.results" ref="list">
    <div v-for="group in groups" :key="group.name" role="group" :aria-labelledby="'mk-pal-in-' + group.name"><div class="mk-gh" :id="'mk-pal-in-' + group.name">{{ group.label }}</div>
      <a v-for="item in group.items" :key="item.key" role="option" tabindex="-1" class="mk-mi" :id="'mk-pal-' + item.key" :href="item.href" :class="{'mk-on': current === item}" :aria-selected="String(current === item)" :data-item="item.key" data-testid="palette-item" @pointermove="point(item)"><span class="mk-ic" aria-hidden="true">{{ item.icon }}</span><span class="mk-paln mk-grow"><b class="mk-ell" :class="{'mk-unread': item.unread}" dir="auto">{{ item.label }}</b><span v-if="item.hint" class="mk-ell mk-t3">{{ item.hint }}</span></span><span v-if="item.plate" class="mk-num mk-palp" dir="ltr"><span class="mk-vh">{{ words.plate }} </span>{{ item.plate }}</span><bdi v-if="item.number" class="mk-num mk-t2" dir="ltr">{{ item.number }}</bdi></a></div>
  </div>
  <p class="mk-palnone mk-t2" role="status"><template v-if="late">{{ words.late }}</template><template v-else-if="!items.length && answered">{{ answer.told || words.nothing }}</template></p>
  <div class="mk-palf mk-hide-xs"><span class="mk-kbd">↑ ↓</span><span>{{ words.foot }}</span><span class="mk-kbd">Enter</span><span>{{ words.open }}</span><span class="mk-kbd">Esc</span><span>{{ words.close }}</span></div>`;
const HELP = `
  <div class="mk-dh"><h2>{{ words.help }}</h2><span class="mk-sp"></span><button type="button" class="mk-ib mk-sm" :aria-label="words.close" @click="$refs.help.close()"><span class="mk-ic" aria-hidden="true">close</span></button></div>
  <dl class="mk-keys"><div v-for="row in keys" :key="row.label"><dt dir="ltr"><span v-for="key in row.keys" :key="key" class="mk-kbd">{{ key }}</span></dt><dd>{{ row.label }}</dd></div></dl>`;

const ANSWER_WITHIN = 2000;

export default {
  mixins: [maakav.parts({search: SEARCH, help: HELP})],
  template: `
    <div class="mk-contents">
      <dialog ref="dialog" class="mk-pal" :aria-label="words.title" data-testid="palette" @close="closed" @click.self="close">
        <component v-if="used" :is="part('search')"></component>
      </dialog>
      <dialog ref="help" class="mk-dlg mk-adlg" :aria-label="words.help" data-testid="keyboard-help" @click.self="$refs.help.close()">
        <component v-if="explained" :is="part('help')"></component>
      </dialog>
    </div>`,
  props: {answer: Object, words: Object, keys: Array},
  emits: ['ask'],
  data: () => ({used: false, explained: false, typed: '', turn: 0, groups: [], active: 0, answered: false, late: false}),
  computed: {
    items() { return this.groups.flatMap((group) => group.items); },
    current() { return this.items[this.active] || null; },
  },
  mounted() {
    this.open = async (event) => {
      if (this.$refs.dialog.open) return;
      for (const other of document.querySelectorAll('dialog[open]')) if (other === this.$refs.help) other.close(); else return;
      Object.assign(this, {typed: event.detail || '', groups: [], active: 0, answered: false, late: false});
      if (!this.used) {
        this.used = true;
        await this.$nextTick();
      }
      this.$refs.dialog.showModal();
      this.$refs.input.focus();
      this.$refs.input.select();
      this.ask();
    };
    this.explain = async () => {
      if (document.querySelector('dialog[open]')) return;
      this.explained = true;
      await this.$nextTick();
      this.$refs.help.showModal();
    };
    // by then it is drawn: a phone opens its keyboard only for a field that is there when one taps
    this.resting = setTimeout(() => { this.used = true; }, 1000);
    addEventListener('maakav:palette', this.open);
    addEventListener('maakav:help', this.explain);
  },
  unmounted() { removeEventListener('maakav:palette', this.open); removeEventListener('maakav:help', this.explain); clearTimeout(this.pending); clearTimeout(this.waiting); clearTimeout(this.resting); },
  watch: {
    // an answer to an earlier question is no answer any more
    answer(now) { if (now.turn !== this.turn) return; clearTimeout(this.waiting); Object.assign(this, {groups: now.groups, active: 0, answered: true, late: false}); if (this.hurried) { this.hurried = false; this.$nextTick(this.go); } },
  },
  methods: {
    close() { this.$refs.dialog.close(); },
    closed() { clearTimeout(this.pending); clearTimeout(this.waiting); this.hurried = false; this.turn++; },
    later() { clearTimeout(this.pending); clearTimeout(this.waiting); this.turn++; this.pending = setTimeout(this.ask, 150); },
    ask() {
      clearTimeout(this.pending);
      clearTimeout(this.waiting);
      this.pending = 0;
      this.turn++;
      this.waiting = setTimeout(() => { this.late = true; }, ANSWER_WITHIN);
      this.$emit('ask', {turn: this.turn, text: this.typed});
    },
    point(item) { this.active = this.items.indexOf(item); },
    go() { const link = this.current && document.getElementById('mk-pal-' + this.current.key); if (link) { link.click(); this.close(); } },
    press(event) {
      if (event.isComposing) return;
      const last = this.items.length - 1;
      const to = {ArrowDown: this.active >= last ? 0 : this.active + 1, ArrowUp: this.active <= 0 ? last : this.active - 1}[event.code];
      if (to !== undefined && last >= 0) {
        event.preventDefault();
        this.active = to;
        this.$nextTick(() => document.getElementById('mk-pal-' + this.current.key).scrollIntoView({block: 'nearest'}));
      }
      if (event.code === 'Enter' || event.code === 'NumpadEnter') {
        event.preventDefault();
        // typed faster than answered: go where the answer to what stands there leads
        if (this.pending || this.answer.turn !== this.turn) { this.hurried = true; if (this.pending) this.ask(); } else this.go();
      }
    },
  },
};
