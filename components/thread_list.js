/* All threads, newest first, and the search in everything that was written. */
const TYPED_FOR = 250;
const LINE = `
  <a class="mk-thl" :class="{'mk-un': line.unread, 'mk-on': line.href === opened, 'mk-private': line.internal}" :href="to(line.href)" :aria-current="line.href === opened ? 'page' : null">
    <span class="mk-thl-h"><b class="mk-ell" dir="auto">{{ line.title }}</b><time v-if="line.at" class="mk-xs mk-t3" :data-ts="line.at">{{ line.when }}</time></span>
    <span class="mk-thl-s mk-sm mk-t3"><span v-if="line.sub">{{ line.sub }}</span><bdi v-if="line.number" class="mk-num" dir="ltr">{{ line.number }}</bdi><bdi v-if="line.plate" class="mk-num" dir="ltr">{{ line.plate }}</bdi><span v-if="line.office" class="mk-ell">{{ line.office }}</span></span>
    <span class="mk-thl-t"><span class="mk-ell" dir="auto"><span v-if="line.internal" class="mk-ic mk-s14" role="img" :aria-label="words.internal">lock</span><template v-if="line.by">{{ line.by }}: </template>{{ line.text }}</span><b v-if="line.unread" class="mk-badge mk-br" :aria-label="words.unread + ': ' + line.unread" data-testid="thread-unread">{{ line.unread }}</b></span></a>`;

export default {
  template: `
    <section class="mk-threads" :aria-label="words.threads">
      <div class="mk-thh"><h1>{{ words.title }}</h1><span class="mk-sp"></span>
        <details v-if="offices.length" class="mk-drop" ref="offices"><summary class="mk-btn mk-s mk-sm" data-testid="to-an-office"><span class="mk-ic" aria-hidden="true">edit_square</span><span>{{ words.toOffice }}</span></summary>
          <div class="mk-pop mk-menu mk-offl"><a v-for="office in offices" :key="office.href" class="mk-mi" :href="to(office.href)"><span class="mk-ic" aria-hidden="true">apartment</span><span>{{ office.label }}</span></a></div></details>
        <a v-if="bureau" class="mk-btn mk-s mk-sm" :href="to(bureau)" data-testid="to-the-bureau"><span class="mk-ic" aria-hidden="true">edit_square</span><span>{{ words.toBureau }}</span></a></div>
      <div class="mk-sbox mk-ths"><span class="mk-ic" aria-hidden="true">search</span><input type="search" v-model="typed" maxlength="200" :placeholder="words.search" :aria-label="words.search" data-testid="messages-search" @input="later"></div>
      <div v-if="hits === null" class="mk-thf"><div class="mk-seg" role="radiogroup" :aria-label="words.threads"><button type="button" role="radio" :aria-checked="String(!unread)" :class="{'mk-on': !unread}" @click="only(false)">{{ words.all }}</button>
        <button type="button" role="radio" :aria-checked="String(unread)" :class="{'mk-on': unread}" data-testid="threads-unread" @click="only(true)">{{ words.onlyUnread }}</button></div></div>
      <div class="mk-thls">
        <template v-if="hits !== null"><p v-if="!hits.length" class="mk-empty-line mk-t3" role="status">{{ words.noneFound }}</p>
          <template v-for="line in hits" :key="line.id"><div data-testid="message-hit">${LINE}</div></template></template>
        <template v-else><p v-if="!lines.length" class="mk-empty-line mk-t3">{{ unread ? words.noneUnread : words.none }}</p>
          <template v-for="line in lines" :key="line.href"><div data-testid="thread-line" :data-claim="line.number" :data-unread="String(Boolean(line.unread))">${LINE}</div></template>
          <button v-if="more" type="button" class="mk-btn mk-g mk-w" @click="$emit('more')">{{ words.more }}</button></template>
      </div></section>`,
  props: {lines: Array, hits: Array, more: Boolean, offices: Array, bureau: String, opened: String, unread: Boolean, words: Object},
  emits: ['find', 'more', 'only'],
  data: () => ({typed: ''}),
  unmounted() { clearTimeout(this.timer); },
  methods: {
    /* Whether only the unread are shown stays as one opens a conversation, and comes back with its address. */
    to(href) { return href + (this.unread ? '&view=unread' : ''); },
    only(unread) {
      const address = new URL(location.href);
      if (unread) address.searchParams.set('view', 'unread'); else address.searchParams.delete('view');
      history.replaceState(history.state, '', address);
      this.$emit('only', unread);
    },
    later() { clearTimeout(this.timer); this.timer = setTimeout(() => this.$emit('find', this.typed), TYPED_FOR); },
  },
};
