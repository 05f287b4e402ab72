/* One document in place: its pages as pictures to zoom, turn and leaf through by mouse, keys and fingers; what it is, its
   versions, what staff decide about it, and (for the bureau) who has seen it. */
const WIDE = '(min-width: 1280px)';
const MOST_ZOOM = 5;
const button = (label, icon, action, more = '') => `<button type="button" class="mk-ib mk-sm" :aria-label="words.${label}" :title="words.${label}" ${more} @click="${action}"><span class="mk-ic" aria-hidden="true">${icon}</span></button>`;
const HEAD = `
  <div class="mk-dh"><span class="mk-ic mk-kind" :class="'mk-kind-' + document.icon" aria-hidden="true">{{ document.icon }}</span>
    <div class="mk-grow"><h2 class="mk-b mk-ell" dir="auto">{{ document.title }}</h2><p class="mk-xs mk-t3"><bdi class="mk-num" dir="ltr">{{ document.kind }}</bdi> · <bdi class="mk-num" dir="ltr">{{ document.size }}</bdi><template v-if="document.pagesText"> · {{ document.pagesText }}</template></p>
      <p class="mk-xs mk-t3" :title="document.exact">{{ document.received }} · <span dir="auto">{{ document.by }}</span></p></div>
    ${button('previousDocument', 'chevron_right', 'step(-1)', ':disabled="!beside(-1)" data-testid="viewer-previous"').replace('mk-ic"', 'mk-ic mk-dir"')}
    ${button('nextDocument', 'chevron_left', 'step(1)', ':disabled="!beside(1)" data-testid="viewer-next"').replace('mk-ic"', 'mk-ic mk-dir"')}
    <a class="mk-ib mk-sm" :href="'/files/' + document.uuid + '?download=1'" :aria-label="words.download" :title="words.download" data-testid="viewer-download"><span class="mk-ic" aria-hidden="true">download</span></a>
    <button v-if="wide" type="button" class="mk-ib mk-sm" :aria-label="large ? words.shrink : words.expand" :title="large ? words.shrink : words.expand" @click="large = !large"><span class="mk-ic" aria-hidden="true">{{ large ? 'view_column' : 'open_in_full' }}</span></button>
    <button type="button" class="mk-ib mk-sm" :aria-label="words.close" :title="words.close" ref="close" data-testid="viewer-close" @click="$emit('close')"><span class="mk-ic" aria-hidden="true">close</span></button></div>`;
const STAGE = `
  <div class="mk-viewer"><div class="mk-stage" :class="{'mk-zoomed': zoom > 1}" ref="stage" dir="ltr" :tabindex="document.preview ? 0 : null" role="group" :aria-label="words.viewer" @wheel="wheel" @dblclick="zoomTo(zoom > 1 ? 1 : 2.5)" @touchstart.passive="touch" @touchmove="pinch" @touchend.passive="lift">
      <p v-if="!document.preview || broken" class="mk-nopic" :dir="direction"><span class="mk-ic mk-s28" aria-hidden="true">{{ document.icon }}</span><span>{{ words.noPreview }}</span></p>
      <template v-else><p v-if="!natural" class="mk-nopic" :dir="direction" role="status"><span class="mk-ic mk-spin" aria-hidden="true">progress_activity</span><span>{{ words.drawing }}</span></p>
        <div class="mk-sheet-of" :class="{'mk-hid': !natural}" :style="{width: size.width + 'px', height: size.height + 'px'}"><img :key="source" :src="source" :alt="alt" draggable="false" data-testid="viewer-page" :style="{width: size.across + 'px', height: size.down + 'px', transform: 'rotate(' + angle + 'deg)'}" @load="drawn" @error="broken = true"></div></template></div>
    <div v-if="document.preview && !broken" class="mk-vt" role="toolbar" :aria-label="words.viewer">
      <template v-if="document.pages > 1">${button('previousPage', 'chevron_right', 'turn(-1)', ':disabled="page === 1" data-testid="page-previous"').replace('mk-ic"', 'mk-ic mk-dir"')}<span data-testid="page-of">{{ words.pageOf.replace('{page}', page).replace('{pages}', document.pages) }}</span>${button('nextPage', 'chevron_left', 'turn(1)', ':disabled="page === document.pages" data-testid="page-next"').replace('mk-ic"', 'mk-ic mk-dir"')}<i></i></template>
      ${button('zoomOut', 'zoom_out', 'zoomTo(zoom / 1.4)', ':disabled="zoom <= 1"')}<bdi class="mk-num" dir="ltr">{{ Math.round(zoom * 100) }}%</bdi>${button('zoomIn', 'zoom_in', 'zoomTo(zoom * 1.4)', 'data-testid="viewer-zoom"')}${button('rotate', 'rotate_left', 'angle -= 90', 'data-testid="viewer-rotate"')}</div></div>`;
const FOOT = `
  <div class="mk-df2"><div class="mk-row mk-wrap2"><span class="mk-chip" :class="'mk-hue-' + document.hue" data-testid="viewer-state"><span class="mk-ic" aria-hidden="true">{{ document.stateIcon }}</span><span>{{ document.stateLabel }}<template v-if="document.reason"> – {{ document.reason }}</template></span></span>
      <span v-if="document.versionText" class="mk-chip mk-tiny">{{ document.versionText }}</span><span v-if="document.decided" class="mk-xs mk-t3">{{ document.decided }}</span>
      <span class="mk-sp"></span><span v-if="document.scanned" class="mk-xs mk-safe-ok"><span class="mk-ic mk-s16" aria-hidden="true">verified_user</span>{{ words.scanned }}</span></div>
    <template v-if="mayJudge"><div v-if="!rejection" class="mk-row mk-wrap2">
        <button v-if="document.state !== 'accepted'" type="button" class="mk-btn mk-p mk-sm" data-testid="document-accept" @click="order('accept')"><span class="mk-ic" aria-hidden="true">check</span><span>{{ words.accept }}</span></button>
        <button v-if="document.state !== 'rejected'" type="button" class="mk-btn mk-s mk-sm" data-testid="document-reject" @click="reject"><span class="mk-ic" aria-hidden="true">close</span><span>{{ words.reject }}</span></button>
        <button v-if="document.state !== 'received'" type="button" class="mk-btn mk-g mk-sm" data-testid="document-reopen" @click="order('reopen')"><span class="mk-ic mk-flip" aria-hidden="true">undo</span><span>{{ words.reopen }}</span></button>
        <span class="mk-sp"></span><label class="mk-inp mk-sm mk-filed"><span class="mk-vh">{{ words.retype }}</span><select :value="document.type + ':' + (document.need || '')" data-testid="document-type" @change="retype"><option v-for="kind in kinds" :key="kind.key" :value="kind.key">{{ kind.label }}</option></select></label></div>
      <form v-else class="mk-why2" data-testid="reject-form" @submit.prevent="order('reject', {reason: rejection.free.trim() || rejection.reason})"><fieldset><legend class="mk-b">{{ words.rejectTitle }}</legend>
          <label v-for="(choice, place) in reasons" :key="choice.id" class="mk-tick"><input type="radio" name="reject-reason" :value="choice.id" v-model="rejection.reason" :ref="place ? null : 'first'" @change="rejection.free = ''" :data-testid="'reject-' + choice.id"><span>{{ choice.label }}</span></label></fieldset>
        <label class="mk-inp mk-sm"><span class="mk-vh">{{ words.rejectFree }}</span><input v-model="rejection.free" maxlength="200" dir="auto" :placeholder="words.rejectFree" data-testid="reject-free" @input="rejection.reason = ''"></label>
        <p v-if="refused" class="mk-note mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused }}</span></p>
        <div class="mk-row"><button type="submit" class="mk-btn mk-p mk-sm" :disabled="!(rejection.reason || rejection.free.trim())" data-testid="reject-send">{{ words.rejectSend }}</button><button type="button" class="mk-btn mk-g mk-sm" data-testid="reject-cancel" @click="$emit('discard', document.uuid)">{{ words.cancel }}</button></div></form></template>
    <div class="mk-row mk-wrap2"><button v-if="mayUpload" type="button" class="mk-btn mk-soft mk-sm" data-testid="document-replace" @click="$emit('upload', document)"><span class="mk-ic" aria-hidden="true">upload</span><span>{{ document.state === 'rejected' ? words.uploadBetter : words.newVersion }}</span></button>
      <a v-if="mayJudge" class="mk-btn mk-g mk-sm" :href="'/files/' + document.uuid + '?original=1&download=1'" data-testid="document-original"><span class="mk-ic" aria-hidden="true">download</span><span>{{ words.original }}</span></a>
      <span class="mk-sp"></span><button v-if="document.mayRemove" type="button" class="mk-btn mk-g mk-sm" data-testid="document-remove" @click="order('remove')"><span class="mk-ic" aria-hidden="true">delete</span><span>{{ words.remove }}</span></button></div>
    <div v-if="versions.length > 1" class="mk-vlist"><h3>{{ words.versions }}</h3><ul><li v-for="version in versions" :key="version.uuid"><button type="button" :aria-current="version.uuid === document.uuid ? 'true' : null" @click="$emit('show', version.uuid)"><span>{{ words.version.replace('{n}', version.version) }}</span><span class="mk-t3">{{ version.stateLabel }}<template v-if="version.reason"> – {{ version.reason }}</template> · {{ version.day }}</span></button></li></ul></div>
    <details v-if="mayJudge && views && views.document === document.uuid" class="mk-vlist" data-testid="document-views"><summary>{{ words.viewed }} <span class="mk-badge">{{ views.lines.length }}</span></summary><p v-if="!views.lines.length" class="mk-sm mk-t3">{{ words.notViewed }}</p><ul><li v-for="line in views.lines" :key="line.key"><span><span dir="auto">{{ line.by }}</span> {{ line.how }}</span><bdi class="mk-num mk-t3" dir="ltr">{{ line.when }}</bdi></li></ul></details></div>`;

export default {
  template: `
    <aside v-if="document" class="mk-drawer" :class="{'mk-full': full}" :role="full ? 'dialog' : null" :aria-modal="full ? 'true' : null" :aria-label="words.viewer + ': ' + document.title" data-testid="viewer" :data-document="document.uuid" ref="drawer" @keydown="key">
      ${HEAD}${STAGE}${FOOT}
    </aside>`,
  props: {documents: Array, shown: String, sequence: Array, requests: Array, types: Array, reasons: Array, views: Object, answer: Object, rejections: Object, refused: String, words: Object, mayJudge: Boolean, mayUpload: Boolean},
  emits: ['begin', 'show', 'close', 'order', 'discard', 'upload'],
  data: () => ({page: 1, zoom: 1, angle: 0, natural: null, broken: false, room: {width: 300, height: 300}, wide: true, large: false, direction: 'rtl'}),
  computed: {
    document() { return this.documents.find((document) => document.uuid === this.shown); },
    /* Why it is rejected, while that is being typed: it is kept beside the documents, since one looks at others meanwhile. */
    rejection() { return this.rejections[this.shown]; },
    full() { return this.large || !this.wide; },
    source() { return `/files/${this.document.uuid}/pages/${this.page}?w=1400`; },
    alt() { return this.words.pageAlt.replace('{name}', `${this.document.title}, ${this.document.day}`).replace('{page}', this.page).replace('{pages}', this.document.pages); },
    kinds() {
      const asked = this.requests.map((item) => ({key: item.key, label: item.label}));
      return [...this.types.map((kind) => ({key: `${kind.id}:`, label: kind.label})), ...asked];
    },
    versions() {
      const chain = [this.document];
      for (let older = this.document; (older = this.documents.find((other) => other.uuid === older.replaces));) chain.push(older);
      for (let newer = this.document; (newer = this.documents.find((other) => other.replaces === newer.uuid));) chain.unshift(newer);
      return chain;
    },
    /* How large the page is drawn: as wide as there is room (a photo also as high), times the zoom, turned. */
    size() {
      if (!this.natural) return {width: 0, height: 0, across: 0, down: 0};
      const lying = this.angle % 180 !== 0;
      const [width, height] = lying ? [this.natural.height, this.natural.width] : [this.natural.width, this.natural.height];
      const photo = this.document.icon === 'image';
      const scale = Math.min(Math.min(this.room.width, photo ? Infinity : 1000) / width, photo ? this.room.height / height : Infinity) * this.zoom;
      return {width: width * scale, height: height * scale, across: this.natural.width * scale, down: this.natural.height * scale};
    },
  },
  watch: {
    shown() { this.removing = false; this.begin(); },
    document(now) { if (!now && this.shown) { if (!this.removing) maakav.say(this.words.gone); this.$emit('close'); } },
    // by its turn: the same answer comes along with every news of the documents
    'answer.turn'() {
      // what was pressed may be gone: the keyboard stays in the viewer
      this.$nextTick(() => { if (globalThis.document.activeElement === globalThis.document.body) this.$refs.close?.focus({preventScroll: true}); });
    },
  },
  mounted() {
    this.screen = matchMedia(WIDE);
    this.measure = () => { this.wide = this.screen.matches; };
    this.screen.addEventListener('change', this.measure);
    this.measure();
    this.direction = globalThis.document.documentElement.dir;
    this.watcher = new ResizeObserver(() => this.fit());
    // a button that is disabled by its own click leaves the keyboard nowhere
    this.escaped = (event) => { if (event.key === 'Escape' && this.document && event.target === globalThis.document.body) this.leave(); };
    addEventListener('keydown', this.escaped);
    this.begin();
  },
  unmounted() { removeEventListener('keydown', this.escaped); this.screen.removeEventListener('change', this.measure); this.watcher.disconnect(); },
  methods: {
    begin() {
      Object.assign(this, {page: 1, zoom: 1, angle: 0, natural: null, broken: false});
      this.$nextTick(() => {
        if (!this.$refs.stage) return;
        this.watcher.disconnect();
        this.watcher.observe(this.$refs.stage);
        if (!this.$refs.drawer.contains(globalThis.document.activeElement)) this.$refs.close.focus({preventScroll: true});
      });
    },
    fit() { const stage = this.$refs.stage; if (stage) this.room = {width: Math.max(stage.clientWidth - 32, 100), height: Math.max(stage.clientHeight - 32, 100)}; },
    drawn(event) { this.natural = {width: event.target.naturalWidth, height: event.target.naturalHeight}; this.fit(); },
    turn(by) {
      const page = this.page + by;
      if (page < 1 || page > this.document.pages) return;
      Object.assign(this, {page, natural: null, broken: false, zoom: 1});
      this.$refs.stage.scrollTo(0, 0);
    },
    beside(by) {
      const place = this.sequence.indexOf(this.versions.find((version) => this.sequence.includes(version.uuid))?.uuid);
      return place < 0 ? '' : this.sequence[place + by] || '';
    },
    step(by) { const next = this.beside(by); if (next) this.$emit('show', next); },
    /* Zoom about the middle of what is seen. */
    zoomTo(wanted) {
      const stage = this.$refs.stage;
      const zoom = Math.min(Math.max(wanted, 1), MOST_ZOOM);
      const middle = [(stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth, (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight];
      this.zoom = zoom;
      this.$nextTick(() => stage.scrollTo(middle[0] * stage.scrollWidth - stage.clientWidth / 2, middle[1] * stage.scrollHeight - stage.clientHeight / 2));
    },
    wheel(event) { if (event.ctrlKey) { event.preventDefault(); this.zoomTo(this.zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15)); } },
    touch(event) {
      const [first, second] = event.touches;
      this.began = second ? {apart: Math.hypot(first.clientX - second.clientX, first.clientY - second.clientY), zoom: this.zoom} : {x: first.clientX, y: first.clientY};
    },
    pinch(event) {
      const [first, second] = event.touches;
      if (!second || !this.began?.apart) return;
      event.preventDefault();
      this.zoomTo(this.began.zoom * Math.hypot(first.clientX - second.clientX, first.clientY - second.clientY) / this.began.apart);
    },
    /* A swipe leafs as one leafs through paper in this language. */
    lift(event) {
      const began = this.began;
      this.began = null;
      if (!began || began.apart || this.zoom > 1) return;
      const [end] = event.changedTouches;
      const moved = end.clientX - began.x;
      if (Math.abs(moved) < 60 || Math.abs(end.clientY - began.y) > 50) return;
      const forward = (this.direction === 'rtl') === (moved > 0) ? 1 : -1;
      if (this.document.pages > 1) this.turn(forward); else this.step(forward);
    },
    key(event) {
      if (event.key === 'Escape') { event.stopPropagation(); this.leave(); return; }
      if (event.key === 'Tab' && this.full) this.stay(event);
      if (event.target.closest('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
      const forward = this.direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
      const doing = {
        [forward]: () => this.turn(1), [forward === 'ArrowLeft' ? 'ArrowRight' : 'ArrowLeft']: () => this.turn(-1),
        PageDown: () => this.turn(1), PageUp: () => this.turn(-1), '+': () => this.zoomTo(this.zoom * 1.4), '-': () => this.zoomTo(this.zoom / 1.4),
      }[event.key];
      if (doing && this.document.preview && !(this.zoom > 1 && event.key.startsWith('Arrow'))) { event.preventDefault(); doing(); }
    },
    /* What was typed stays. */
    leave() {
      if (!this.rejection) this.$emit('close');
      else if (!this.rejection.free.trim()) this.$emit('discard', this.document.uuid);
    },
    /* Over the whole screen, the keyboard does not wander off behind it. */
    stay(event) {
      const stops = [...this.$refs.drawer.querySelectorAll('a[href], button:not(:disabled), input, select, summary, [tabindex="0"]')].filter((stop) => stop.offsetParent);
      const edge = event.shiftKey ? stops[0] : stops.at(-1);
      if (globalThis.document.activeElement === edge) { event.preventDefault(); (event.shiftKey ? stops.at(-1) : stops[0]).focus(); }
    },
    reject() { this.$emit('begin', this.shown); this.$nextTick(() => [this.$refs.first].flat()[0]?.focus()); },
    retype(event) {
      const [type, need] = event.target.value.split(':');
      this.order('retype', {type, need: Number(need) || null});
    },
    order(name, more = {}) { this.removing = name === 'remove'; this.$emit('order', {order: name, document: this.document.uuid, ...more}, name === 'reject' ? `reject ${this.document.uuid}` : ''); },
  },
};
