/* The alerts page. A line leads to its claim; beside it one marks it read or opens what one can choose about the claim. */
const PLATE = `<template v-if="line.plate">${maakav.plate('line.plate', 'line.plate')}</template>`;

export default {
  template: `
    <div class="mk-contents">
      <div class="mk-ph"><h1>{{ words.title }}</h1><span class="mk-live" role="status" data-testid="connection"><i></i><span>{{ words.live }}</span></span><span class="mk-sp"></span>
        <button type="button" class="mk-btn mk-s" data-testid="alerts-read-all" :aria-label="words.readAll" @click="$emit('read_all')"><span class="mk-ic" aria-hidden="true">done_all</span><span>{{ words.readAll }}</span></button>
        <a v-if="own" class="mk-btn mk-s" href="/account#alerts" data-testid="alerts-choices" :aria-label="words.choices"><span class="mk-ic" aria-hidden="true">settings</span><span>{{ words.choices }}</span></a></div>
      <nav class="mk-tabs" :aria-label="words.themes"><a v-for="tab in tabs" :key="tab.key" class="mk-tab" :class="{'mk-on': tab.on}" :href="tab.href" :aria-current="tab.on ? 'page' : null" :data-testid="'theme-' + (tab.key || 'all')" @click="choose({theme: tab.key}, $event)">{{ tab.label }}<span v-if="tab.count" class="mk-badge" :class="{'mk-br': tab.on}">{{ tab.count }}</span></a></nav>
      <div class="mk-alp"><div class="mk-stack">
        <div class="mk-row mk-alf"><label class="mk-tick"><input type="checkbox" class="mk-box" :checked="unread" data-testid="only-unread" @change="choose({unread: $event.target.checked})"><span>{{ words.onlyUnread }}</span></label>
          <button v-if="claim" type="button" class="mk-btn mk-soft mk-sm" data-testid="clear-claim" :aria-label="words.clear + ': ' + claim" @click="choose({claim: ''})"><bdi>{{ words.ofClaim.replace('{claim_no}', claim) }}</bdi><span class="mk-ic" aria-hidden="true">close</span></button></div>
        <div v-if="loaded && !days.length" class="mk-card mk-empty" data-testid="no-alerts"><span class="mk-ic mk-s24 mk-t3" aria-hidden="true">done_all</span><h2>{{ filtered ? words.nothing : words.done }}</h2><p v-if="!filtered">{{ words.none }}</p><button v-else type="button" class="mk-btn mk-s" @click="choose({theme: '', unread: false, claim: ''})">{{ words.clear }}</button></div>
        <section v-for="group in days" :key="group.day" class="mk-card" :aria-label="group.day"><h2 class="mk-dayh">{{ group.day }}</h2>
          <div v-for="line in group.lines" :key="line.id" class="mk-al mk-all" :class="{'mk-un': line.unread}" data-testid="alert" :data-claim="line.claim_no" :data-unread="String(line.unread)">
            <span class="mk-icb" :class="'mk-hue-' + line.hue"><span class="mk-ic" aria-hidden="true">{{ line.icon }}</span></span>
            <span><a class="mk-t" :href="line.href"><bdi>{{ line.name }}</bdi> · <bdi>{{ line.what }}</bdi></a>
              <span class="mk-d"><span v-if="line.after || line.before" class="mk-ba"><template v-if="line.before"><span class="mk-was" dir="auto">{{ line.before }}</span><span class="mk-ic mk-dir" aria-hidden="true">arrow_back</span><span class="mk-vh"> {{ words.changedTo }} </span></template><b dir="auto">{{ line.after }}</b></span>
                <a v-if="line.more && !claim" class="mk-morea" :href="'/alerts?claim=' + encodeURIComponent(line.claim_no)" :title="words.allOfClaim" data-testid="alert-more" @click="choose({theme: '', unread: false, claim: line.claim_no}, $event)">{{ line.more }}</a><span v-else-if="line.more" class="mk-t3"> · {{ line.more }}</span> ${PLATE}</span></span>
            <span class="mk-w"><time :data-ts="line.at">{{ line.when }}</time><span class="mk-ala"><button v-if="line.unread" type="button" class="mk-ib mk-sm" data-testid="alert-read" :aria-label="words.read + ': ' + line.title" :title="words.read" @click="read(line)"><span class="mk-ic" aria-hidden="true">done</span></button>
              <button type="button" class="mk-ib mk-sm" data-testid="alert-menu" :aria-label="words.menu + ': ' + line.title" :title="words.menu" @click="$emit('menu', line.claim_no)"><span class="mk-ic" aria-hidden="true">more_horiz</span></button></span><span class="mk-uslot"><span v-if="line.unread" class="mk-udot" role="img" :aria-label="words.unread"></span></span></span></div></section>
        <button v-if="more" type="button" class="mk-btn mk-soft mk-w" data-testid="alerts-older" @click="$emit('older')">{{ words.older }}</button></div>
        <div class="mk-alside"><slot name="beside"></slot></div>
      </div><slot></slot></div>`,
  props: {loaded: Boolean, days: Array, tabs: Array, unread: Boolean, claim: String, address: String, more: Boolean, words: Object, own: Boolean},
  emits: ['filter', 'read', 'menu', 'older', 'read_all'],
  computed: {
    theme() { const on = this.tabs.find((tab) => tab.on); return on ? on.key : ''; },
    filtered() { return Boolean(this.theme || this.unread || this.claim); },
  },
  watch: {
    address(now) { if (now) history.replaceState(history.state, '', now); },
  },
  methods: {
    read(line) {
      maakav.ordered();
      this.$emit('read', line.claim_no);
    },
    choose(change, event) {
      if (event && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
      if (event) event.preventDefault();
      this.$emit('filter', {theme: this.theme, unread: this.unread, claim: this.claim, ...change});
    },
  },
};
