/* Which columns the list shows and in which order, by pointer or by arrow keys, and how close its rows stand. */
const MENU = `
  <div class="mk-pop mk-menu" role="group" :aria-label="words.columns">
    <div class="mk-colh"><b>{{ words.columns }}</b><button type="button" class="mk-btn mk-lnk mk-sm" data-testid="columns-reset" @click="$emit('columns', [])">{{ words.reset }}</button></div>
    <ul class="mk-coll" ref="list">
      <li v-for="column in order" :key="column.name" :data-column="column.name" :class="{'mk-moving': moving === column.name}">
        <template v-if="column.name === anchor"><span class="mk-colg"></span><span class="mk-grow mk-t3">{{ column.label }}</span><span class="mk-ic mk-t3" role="img" :aria-label="words.always">lock</span></template>
        <template v-else><button type="button" class="mk-colg" :aria-label="words.move + ' ' + column.label" data-testid="column-move" @pointerdown="grab(column, $event)" @pointermove="drag" @pointerup="drop" @pointercancel="drop" @keydown.up.prevent="step(column, -1)" @keydown.down.prevent="step(column, 1)"><span class="mk-ic" aria-hidden="true">drag_indicator</span></button>
          <label class="mk-grow"><span class="mk-grow">{{ column.label }}</span><input type="checkbox" class="mk-check" :checked="column.on" :data-testid="'column-' + column.name" @change="set(column, $event.target.checked)"></label></template>
      </li>
    </ul>
    <div class="mk-menu-f"><span class="mk-sm mk-t2">{{ words.density }}</span><div class="mk-seg" role="group" :aria-label="words.density"><button v-for="choice in densities" :key="choice.key" type="button" :class="{'mk-on': choice.key === density}" :aria-pressed="String(choice.key === density)" :data-testid="'density-' + choice.key" @click="$emit('density', choice.key)">{{ choice.label }}</button></div></div>
    <span class="mk-vh" role="status">{{ said }}</span>
  </div>`;

export default {
  mixins: [maakav.parts({menu: MENU})],
  template: `
    <details class="mk-drop mk-cols" ref="box" @toggle="used = true" @keydown.esc.stop="shut">
      <summary class="mk-fchip" data-testid="columns"><span class="mk-ic" aria-hidden="true">view_column</span>{{ words.columns }}</summary>
      <component v-if="used" :is="part('menu')"></component>
    </details>`,
  props: {columns: Array, anchor: String, density: String, densities: Array, words: Object},
  emits: ['columns', 'density'],
  data: () => ({used: false, order: [], moving: '', said: ''}),
  created() { this.order = this.columns; this.wanted = ''; },
  watch: {
    columns(now) {
      // an answer to what was asked for before the last step would take that back
      if (this.moving || (this.wanted && this.wanted !== String(this.shownOf(now)))) return;
      this.wanted = '';
      this.order = now;
    },
  },
  unmounted() { clearTimeout(this.waiting); },
  methods: {
    shut() { this.$refs.box.open = false; this.$refs.box.querySelector('summary').focus(); },
    shownOf(order) { return order.filter((column) => column.on).map((column) => column.name); },
    tell() {
      const names = this.shownOf(this.order);
      this.wanted = String(names);
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => { this.wanted = ''; }, 3000);
      this.$emit('columns', names);
    },
    set(column, on) {
      // a column that comes back stands where the shown ones end
      const others = this.order.filter((other) => other.name !== column.name), shown = others.filter((other) => other.on);
      this.order = on ? [...shown, {...column, on}, ...others.filter((other) => !other.on)] : this.order.map((other) => (other.name === column.name ? {...other, on} : other));
      this.tell();
    },
    place(name, to) {
      const from = this.order.findIndex((column) => column.name === name);
      if (to < 1 || to >= this.order.length || to === from) return false;
      const order = [...this.order];
      order.splice(to, 0, ...order.splice(from, 1));
      this.order = order;
      return true;
    },
    step(column, way) {
      const to = this.order.findIndex((other) => other.name === column.name) + way;
      if (!this.place(column.name, to)) return;
      this.said = `${column.label} ${to + 1}/${this.order.length}`;
      this.$nextTick(() => this.$refs.list.querySelector(`[data-column=${column.name}] button`).focus());
      this.tell();
    },
    grab(column, event) { this.moving = column.name; event.target.closest('button').setPointerCapture(event.pointerId); },
    drag(event) {
      if (!this.moving) return;
      const rows = [...this.$refs.list.children];
      const to = rows.findIndex((row) => event.clientY < row.getBoundingClientRect().bottom);
      this.place(this.moving, to < 0 ? rows.length - 1 : to);
    },
    drop() { if (!this.moving) return; this.moving = ''; this.tell(); },
  },
};
