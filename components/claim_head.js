/* The head of the claim page: where one came from, who and what, what one can do, the tabs; and whether anybody looks. */
const PLATE = `<template v-if="plate">${maakav.plate('plate', "words.plate + ' ' + plate", 'mk-lg')}</template>`;

export default {
  template: `
    <div class="mk-contents">
      <div v-if="hint && showHint" class="mk-ebar mk-hide-xs"><span class="mk-ic mk-f" aria-hidden="true">bolt</span><b>{{ hint.title }}</b><span>{{ hint.text }}</span><span class="mk-sp"></span>
        <span class="mk-row mk-kbds"><span class="mk-kbd">Enter</span>{{ hint.enter }}<span class="mk-kbd">Tab</span>{{ hint.tab }}<span class="mk-kbd">Esc</span>{{ hint.escape }}</span>
        <button type="button" class="mk-ib mk-sm" :aria-label="hint.hide" @click="hideHint"><span class="mk-ic" aria-hidden="true">close</span></button></div>
      <div class="mk-chead" data-testid="claim-header">
        <div class="mk-row mk-hide-xs"><nav class="mk-crumb" :aria-label="words.where"><a :href="back.href">{{ back.label }}</a><span class="mk-ic mk-dir" aria-hidden="true">chevron_left</span><bdi class="mk-num" dir="ltr" aria-current="page">{{ no }}</bdi></nav><span class="mk-sp"></span>
          <template v-if="steps"><span class="mk-sm mk-t3" data-testid="place-in-list">{{ steps.place }}</span>
          <span class="mk-row mk-steps"><a v-for="step in steps.links" :key="step.key" class="mk-ib mk-sm" :href="step.href || null" :aria-label="step.label" :title="step.label" role="link" :aria-disabled="step.href ? null : 'true'" :data-testid="step.key"><span class="mk-ic" aria-hidden="true">{{ step.icon }}</span></a></span></template></div>
        <div class="mk-ttl">
          <a class="mk-ib mk-lg mk-back" :href="back.href" :aria-label="words.back"><span class="mk-ic mk-s24 mk-dir" aria-hidden="true">arrow_forward</span></a>
          <h1><span ref="insured_name" dir="auto">{{ name }}</span><span class="mk-sub">{{ words.claim }} <bdi class="mk-num" dir="ltr">{{ no }}</bdi></span></h1>${PLATE}
          <span class="mk-chip mk-lg" ref="status" :class="'mk-hue-' + chip.hue" data-testid="header-status"><span class="mk-ic" aria-hidden="true">{{ chip.icon }}</span><span class="mk-ell">{{ chip.label }}</span></span>
          <span class="mk-do mk-hide-xs"><slot></slot></span></div>
        <div class="mk-metarow"><div class="mk-meta"><span v-for="item in meta" :key="item.name" :ref="(element) => { parts[item.name] = element; }" :class="{'mk-hide-xs': item.desk, 'mk-redm': item.red}"><span class="mk-ic" aria-hidden="true">{{ item.icon }}</span><span><span v-if="item.label" :class="{'mk-hide-xs': item.name === 'tp_insurer'}">{{ item.label }}</span> <b><bdi v-if="item.number" class="mk-num" dir="ltr">{{ item.text }}</bdi><time v-else-if="item.at" :datetime="item.at" :data-ts="item.at" :title="item.exact">{{ item.when }}</time><span v-else dir="auto">{{ item.text }}</span></b><template v-if="item.at && item.text"> · <bdi>{{ item.text }}</bdi></template></span>
          <button v-if="item.copy" type="button" class="mk-minia" :data-copy="item.copy" :aria-label="words.copy" :title="words.copy"><span class="mk-ic" aria-hidden="true">content_copy</span></button></span></div><slot name="watch"></slot></div>
      </div>
      <div class="mk-tabs mk-ctabs" role="tablist" :aria-label="words.parts"><a v-for="tab in tabs" :key="tab.key" class="mk-tab" :class="{'mk-on': tab.key === active}" role="tab" :id="'tab-' + tab.key" :aria-controls="'panel-' + tab.key" :aria-selected="String(tab.key === active)" :href="tab.href" :data-testid="'tab-' + tab.key" @click="choose(tab, $event)">{{ tab.label }}<span v-if="tab.count" class="mk-badge" :class="{'mk-br': tab.fresh}">{{ tab.count }}</span></a></div>
      <span class="mk-vh" role="status" aria-live="polite">{{ spoken }}</span>
    </div>`,
  props: {
    name: String, no: String, plate: String, chip: Object, meta: Array, back: Object, steps: Object, tabs: Array, active: String,
    hint: Object, words: Object, glow: Object, spokenNow: String, drawn: Number, logs: Boolean,
  },
  emits: ['tab', 'seen'],
  data: () => ({showHint: true, spoken: ''}),
  created() {
    this.parts = {};
    try { this.showHint = localStorage.getItem('maakav.hint') !== 'hidden'; } catch { this.showHint = true; }
  },
  mounted() {
    // said only after it was drawn, and only while somebody can look: a browser that is gone or hidden has seen nothing
    this.see = () => { if (this.drawn && document.visibilityState === 'visible') this.$emit('seen', this.drawn); };
    this.step = (event) => {
      const link = this.steps && this.steps.links[event.detail > 0 ? 1 : 0];
      if (link && link.href && !document.querySelector('.mk-edt')) location.href = link.href;
    };
    // the call log answers, as soon as it is drawn
    this.log = (event) => {
      if (event.code !== 'KeyC' || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
      if (maakav.typing(event.target) || document.querySelector('.mk-edt')) return;
      event.preventDefault();
      if (!this.logs) { maakav.say(this.words.logsNot, true); return; }
      if (this.active !== 'calls') document.getElementById('tab-calls').click();
      maakav.callWanted = true;
      setTimeout(() => { maakav.callWanted = false; }, 3000);
      dispatchEvent(new CustomEvent('maakav:log-call'));
    };
    document.addEventListener('visibilitychange', this.see);
    addEventListener('maakav:step', this.step);
    addEventListener('keydown', this.log);
    this.see();
    this.$nextTick(this.reveal);
  },
  unmounted() {
    document.removeEventListener('visibilitychange', this.see);
    removeEventListener('maakav:step', this.step);
    removeEventListener('keydown', this.log);
  },
  watch: {
    drawn() { this.$nextTick(this.see); },
    active() { this.$nextTick(this.reveal); },
    glow(now, before) {
      for (const name of Object.keys(now || {})) {
        if (now[name] !== (before || {})[name]) maakav.glow(this.$refs[name] || this.parts[name]);
      }
    },
    // several changes within five seconds are spoken as one
    spokenNow(now) { clearTimeout(this.speaking); this.speaking = setTimeout(() => { this.spoken = now; }, 1500); },
  },
  methods: {
    reveal() { maakav.reveal(document.getElementById('tab-' + this.active)); },
    choose(tab, event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.replaceState(history.state, '', tab.href);
      this.$emit('tab', tab.key);
    },
    hideHint() {
      this.showHint = false;
      try { localStorage.setItem('maakav.hint', 'hidden'); } catch { /* private window: it shows again next time */ }
    },
  },
};
