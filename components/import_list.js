/* Where a workbook is sent, straight to its own route, and the imports so far. */
const ICON = maakav.icon;

export default {
  template: `
    <div class="mk-page mk-imp">
      <input type="file" class="mk-vh" tabindex="-1" ref="input" accept=".xlsx,.csv,.txt" :aria-label="words.choose" data-testid="import-file" @change="chosen">
      <section class="mk-card"><div class="mk-bd mk-stack mk-imp-first"><p class="mk-t2">{{ words.hint }}</p>
        <div class="mk-dz" :class="{'mk-over': over}" @dragover.prevent="over = true" @dragleave="over = false" @drop.prevent="dropped">${ICON('upload_file', ' mk-s28')}
          <span v-if="state" role="status">{{ state === 'sending' ? words.sending : words.reading }}<span class="mk-bar mk-imp-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" :aria-valuenow="Math.round(share * 100)" :aria-label="name"><i :style="{inlineSize: share * 100 + '%'}"></i></span><bdi class="mk-sm mk-t3">{{ name }}</bdi></span>
          <span v-else><span class="mk-hide-xs"><b>{{ over ? words.dropHere : words.drop }}</b> {{ words.or }}</span><button type="button" class="mk-btn mk-p" data-testid="import-choose" @click="$refs.input.click()">{{ words.choose }}</button><span class="mk-t3 mk-sm mk-dz-l">{{ words.limit }}</span></span></div>
        <div v-if="message" class="mk-call-out mk-hue-red" role="alert" data-testid="import-message">${ICON('error')}<span class="mk-grow">{{ message }}</span><button type="button" class="mk-ib mk-sm" :aria-label="words.close" @click="message = ''">${ICON('close')}</button></div></div></section>
      <section class="mk-card"><div class="mk-hd"><h2>{{ words.earlier }}</h2><span class="mk-badge">{{ runs.length }}</span></div>
        <ul class="mk-arows"><li v-for="run in runs" :key="run.id" data-testid="import-run" :data-run="run.id"><a class="mk-aopen" :href="'/import/' + run.id"><b dir="auto">{{ run.name }}</b><span class="mk-chip mk-tiny" :class="'mk-hue-' + run.state.hue">{{ run.state.label }}</span><span class="mk-acells"><span>{{ run.who }}</span><span v-if="run.came">{{ run.came }}</span></span></a></li></ul>
        <p v-if="!runs.length" class="mk-empty-line mk-t2">{{ words.none }}</p></section>
    </div>`,
  props: {runs: Array, most: Number, words: Object},
  data: () => ({over: false, state: '', share: 0, name: '', message: ''}),
  mounted() {
    this.leaving = (event) => { if (this.state === 'sending') event.preventDefault(); };
    addEventListener('beforeunload', this.leaving);
  },
  beforeUnmount() { removeEventListener('beforeunload', this.leaving); },
  methods: {
    chosen(event) { const file = event.target.files[0]; event.target.value = ''; if (file) this.send(file); },
    dropped(event) { this.over = false; const file = event.dataTransfer.files[0]; if (file) this.send(file); },
    send(file) {
      if (this.state) return;
      this.message = !/\.(xlsx|csv|txt)$/i.test(file.name) ? this.words.kind : file.size > this.most ? this.words.tooBig : '';
      if (this.message) return;
      Object.assign(this, {state: 'sending', share: 0, name: file.name});
      const request = new XMLHttpRequest();
      request.open('POST', '/files/imports');
      request.setRequestHeader('X-Maakav-Upload', '1');
      request.setRequestHeader('X-File-Name', encodeURIComponent(file.name));
      request.setRequestHeader('Content-Type', 'application/octet-stream');
      request.upload.onprogress = (event) => { if (event.lengthComputable) this.share = event.loaded / event.total; };
      request.upload.onload = () => { this.state = 'reading'; };
      request.onload = () => this.answer(request);
      request.onerror = () => { this.state = ''; this.message = this.words.failed; };
      request.send(file);
    },
    answer(request) {
      this.state = '';
      let said = {};
      try { said = JSON.parse(request.responseText); } catch { /* not ours: told by its status below */ }
      if (request.status === 201) location.assign('/import/' + said.id);
      else this.message = request.status === 401 ? this.words.signedOut : said.error || (request.status === 413 ? this.words.tooBig : this.words.failed);
    },
  },
};
