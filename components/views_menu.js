/* The list under names: what everybody asks every day, with counts, and what one saved; what one pins stands beside the tabs, in one's order. */
const ITEM = `<a class="mk-mi mk-grow" :class="{'mk-cur': view.key === here}" :href="view.href" :aria-current="view.key === here ? 'true' : null" :data-view="view.key" data-testid="view" @click.prevent="go(view)"><span class="mk-ic" aria-hidden="true">{{ view.icon }}</span><span class="mk-grow mk-ell" dir="auto">{{ view.label }}</span><span v-if="counts[view.key]" class="mk-num mk-t3" dir="ltr">{{ counts[view.key] }}</span></a>`;
const PIN = `<button type="button" class="mk-ib mk-sm mk-pin" :class="{'mk-on': pins.includes(view.key)}" :aria-pressed="String(pins.includes(view.key))" :aria-label="words.pin + ': ' + view.label" :title="pins.includes(view.key) ? words.unpin : words.pin" data-testid="view-pin" :data-pin="view.key" @click="pin(view)"><span class="mk-ic" aria-hidden="true">push_pin</span></button>`;
const REFUSED = `<p v-if="refused" class="mk-help mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused }}</span></p>`;
const MENU = `
  <div class="mk-pop mk-menu" role="group" :aria-label="words.views">
    <div class="mk-gh">{{ words.quick }}</div>
    <div v-for="view in quick" :key="view.key" class="mk-vrow">${ITEM}${PIN}</div>
    <template v-for="group in groups" :key="group.name"><div class="mk-gh">{{ group.label }}</div>
      <template v-for="view in group.views" :key="view.key">
        <div class="mk-vrow">${ITEM}${PIN}<button v-if="group.mine" type="button" class="mk-ib mk-sm" :aria-label="words.change + ' ' + view.label" :aria-expanded="String(editing === view.key)" data-testid="view-more" @click="edit(view)"><span class="mk-ic" aria-hidden="true">more_horiz</span></button></div>
        <form v-if="editing === view.key" class="mk-vedit" novalidate @submit.prevent="send('edit', {key: view.key, order: 'rename', name})">
          <div class="mk-row"><span class="mk-inp mk-sm mk-grow"><input v-model="name" maxlength="60" dir="auto" autocomplete="off" :aria-label="words.name" data-testid="view-name"></span><button type="submit" class="mk-btn mk-s mk-sm" data-testid="view-rename" :disabled="busy ? true : null">{{ words.rename }}</button></div>${REFUSED}
          <div class="mk-row"><button v-if="'forAll' in view" type="button" class="mk-btn mk-g mk-sm" data-testid="view-pin-for-all" @click="$emit('edit', {key: view.key, order: view.forAll ? 'unpin_for_all' : 'pin_for_all'})"><span class="mk-ic" aria-hidden="true">push_pin</span>{{ view.forAll ? words.unpinForAll : words.pinForAll }}</button>
            <button type="button" class="mk-btn mk-g mk-sm" :disabled="view.key === here ? true : null" data-testid="view-update" @click="$emit('edit', {key: view.key, order: 'update'})"><span class="mk-ic" aria-hidden="true">update</span>{{ words.update }}</button>
            <button type="button" class="mk-btn mk-g mk-sm mk-danger" data-testid="view-delete" @click="remove(view)"><span class="mk-ic" aria-hidden="true">delete</span>{{ sure === view.key ? words.sure : words.remove }}</button></div>
        </form>
      </template></template>
    <template v-if="pinned.length > 1"><div class="mk-gh">{{ words.pins }}</div>
      <div v-for="(view, place) in pinned" :key="view.key" class="mk-vrow mk-vpin" data-testid="pin" :data-pin="view.key"><span class="mk-grow mk-ell" dir="auto">{{ view.label }}</span><button type="button" class="mk-ib mk-sm" :aria-label="words.up + ': ' + view.label" :disabled="place ? null : true" data-testid="pin-up" @click="move(place, place - 1)"><span class="mk-ic" aria-hidden="true">arrow_upward</span></button><button type="button" class="mk-ib mk-sm" :aria-label="words.down + ': ' + view.label" :disabled="place < pinned.length - 1 ? null : true" data-testid="pin-down" @click="move(place, place + 1)"><span class="mk-ic" aria-hidden="true">arrow_downward</span></button></div></template>
    <div class="mk-hr"></div>
    <button v-if="!saving" type="button" class="mk-mi" data-testid="view-save" @click="begin"><span class="mk-ic" aria-hidden="true">bookmark_add</span><span>{{ words.save }}</span></button>
    <form v-else class="mk-vedit" novalidate @submit.prevent="send('save', {name, shared})"><div class="mk-row"><span class="mk-inp mk-sm mk-grow"><input ref="fresh" v-model="name" maxlength="60" dir="auto" autocomplete="off" :placeholder="words.name" :aria-label="words.name" data-testid="new-view-name"></span><button type="submit" class="mk-btn mk-p mk-sm" data-testid="view-keep" :disabled="busy ? true : null">{{ words.keep }}</button></div>${REFUSED}
      <label v-if="mayShare" class="mk-tick"><input type="checkbox" class="mk-check" v-model="shared" data-testid="view-shared"><span>{{ words.share }}</span></label></form>
  </div>`;

export default {
  mixins: [maakav.parts({menu: MENU}), maakav.ordering],
  template: `
    <div class="mk-contents">
      <a v-for="view in pinned" :key="view.key" class="mk-tab mk-pinned" :class="{'mk-on': view.key === here}" :aria-current="view.key === here ? 'true' : null" :href="view.href" data-testid="pinned-view" @click.prevent="go(view)"><span class="mk-ic" aria-hidden="true">bookmark</span><span class="mk-ell" dir="auto">{{ view.label }}</span></a>
      <span class="mk-sp"></span>
      <details class="mk-drop mk-views" ref="box" @toggle="turn" @keydown.esc.stop="shut">
        <summary class="mk-tab" data-testid="views"><span class="mk-ic" aria-hidden="true">bookmark</span>{{ words.views }}<span class="mk-ic" aria-hidden="true">expand_more</span></summary>
        <component v-if="used" :is="part('menu')"></component>
      </details>
    </div>`,
  props: {quick: Array, groups: Array, pins: Array, counts: Object, here: String, mayShare: Boolean, answer: Object, words: Object},
  emits: ['open', 'seen', 'save', 'edit', 'order'],
  data: () => ({used: false, editing: '', saving: false, name: '', shared: false, sure: '', refused: ''}),
  computed: {
    pinned() {
      const seen = [...this.quick, ...this.groups.flatMap((group) => group.views)];
      return this.pins.map((key) => seen.find((view) => view.key === key)).filter(Boolean);
    },
  },
  watch: {
    // what was typed stays until it is kept
    'answer.turn'() {
      const {message} = this.answer, form = this.answered(this.answer);
      if (this.form() !== form) { if (message) maakav.say(message, true); return; }
      this.refused = message;
      if (!message) Object.assign(this, {saving: false, editing: ''});
    },
  },
  methods: {
    turn() { this.used = true; if (!this.$refs.box.open) Object.assign(this, {editing: '', saving: false, sure: ''}); this.$emit('seen', this.$refs.box.open); },
    shut() { this.$refs.box.open = false; this.$refs.box.querySelector('summary').focus(); },
    go(view) { this.$refs.box.open = false; this.$emit('open', view.key); },
    edit(view) { this.editing = this.editing === view.key ? '' : view.key; this.name = view.label; this.saving = false; this.sure = this.refused = ''; },
    remove(view) { if (this.sure === view.key) { this.$emit('edit', {key: view.key, order: 'delete'}); this.editing = ''; } else this.sure = view.key; },
    pin(view) { this.$emit('edit', {key: view.key, order: this.pins.includes(view.key) ? 'unpin' : 'pin'}); },
    move(from, to) {
      const keys = this.pinned.map((view) => view.key);
      keys.splice(to, 0, ...keys.splice(from, 1));
      this.$emit('order', keys);
    },
    begin() { Object.assign(this, {saving: true, editing: '', name: '', shared: false, refused: ''}); this.$nextTick(() => this.$refs.fresh.focus()); },
    form() { return this.saving ? 'new' : this.editing; },
    send(what, asked) {
      if (this.busy) return;
      this.refused = '';
      this.$emit(what, {...asked, number: this.numbered(this.form())});
    },
  },
};
