/* The matrix of what one is alerted of. A switch moves at once; the server's answer has the last word. */
export default {
  template: `
    <section class="mk-card mk-choices" :aria-label="words.title" data-testid="alert-choices"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">notifications</span><h2 id="alerts">{{ words.title }}</h2><span class="mk-sp"></span><span class="mk-sm mk-t3" role="status" aria-live="polite" data-testid="choices-saved">{{ shown ? words.saved : '' }}</span></div>
      <div class="mk-bd"><p class="mk-sm mk-t2">{{ words.explained }}</p>
      <fieldset v-if="claims" class="mk-which"><legend>{{ words.claims }}</legend><label v-for="key in ['all', 'own']" :key="key" class="mk-tick"><input type="radio" name="which-claims" :value="key" :checked="claims === key" :data-testid="'claims-' + key" @change="$emit('claims', key)"><span>{{ words[key] }}</span></label><p v-if="claims === 'own'" class="mk-sm mk-t3">{{ words.money }}</p></fieldset></div>
      <table aria-labelledby="alerts"><thead><tr><th scope="col">{{ words.event }}</th><th v-for="channel in channels" :key="channel.key" scope="col" class="mk-chan">{{ channel.label }}</th></tr></thead>
        <tbody v-for="group in groups" :key="group.key"><tr><th :colspan="channels.length + 1" scope="rowgroup" class="mk-dayh">{{ group.label }}</th></tr>
          <tr v-for="row in group.rows" :key="row.event" data-testid="choice" :data-event="row.event"><th scope="row"><span class="mk-evt"><span class="mk-icb" :class="'mk-hue-' + row.hue"><span class="mk-ic" aria-hidden="true">{{ row.icon }}</span></span><span><span :id="'e-' + row.event">{{ row.label }}</span><span v-if="row.why" :id="'y-' + row.event" class="mk-sm mk-t3">{{ row.why }}</span></span></span></th>
            <td v-for="channel in channels" :key="channel.key" class="mk-chan"><span v-if="row.locked[channel.key]" class="mk-always" :data-testid="'locked-' + channel.key"><span class="mk-ic" aria-hidden="true">lock</span><span class="mk-vh">{{ words.locked }}. {{ row.why }}</span></span>
              <button v-else type="button" role="switch" class="mk-sw" :aria-checked="String(on(row, channel))" :aria-label="row.label + ', ' + channel.label" :data-testid="'choose-' + channel.key" @click="choose(row, channel)"></button></td></tr></tbody></table>
    </section>`,
  props: {groups: Array, channels: Array, claims: String, saved: Number, words: Object},
  emits: ['choose', 'claims'],
  data: () => ({moved: {}, shown: false}),
  watch: {
    groups() { this.moved = {}; },
    saved() { this.shown = true; clearTimeout(this.hiding); this.hiding = setTimeout(() => { this.shown = false; }, 4000); },
  },
  unmounted() { clearTimeout(this.hiding); },
  methods: {
    on(row, channel) { const key = row.event + ' ' + channel.key; return key in this.moved ? this.moved[key] : row.on[channel.key]; },
    choose(row, channel) {
      const wanted = !this.on(row, channel);
      this.moved = {...this.moved, [row.event + ' ' + channel.key]: wanted};
      this.$emit('choose', {event: row.event, channel: channel.key, wanted});
    },
  },
};
