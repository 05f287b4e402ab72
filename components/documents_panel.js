/* The documents of a claim: what is missing with a place to put it, what came with its state, and files on their way.
   Files go straight to their own route; the queue of them lives here, beside it only a note in the browser. */
import DocumentViewer from 'document_viewer';
import {keeping} from 'set_aside';
import {UploadQueue, kindOf} from 'upload_queue';

const FREE = 'other_required';
const WANTED = {type: FREE, label: '', blocking: false};
const ICON = maakav.icon;
const UPLOADS = `
  <section v-if="queue.rows.length" class="mk-card mk-ups" :aria-label="words.uploads" data-testid="uploads">
    <div v-if="queue.rows.length > 1" class="mk-ups-h"><h2 class="mk-b">{{ words.arrivedOf.replace('{done}', queue.done).replace('{all}', queue.rows.length) }}</h2><span class="mk-sp"></span><button v-if="queue.done" type="button" class="mk-btn mk-g mk-sm" data-testid="uploads-clear" @click="queue.clear()">{{ words.clear }}</button></div>
    <ul><li v-for="row in queue.rows" :key="row.id" :class="'mk-up-' + row.state" data-testid="uploading" :data-state="row.state">
      <span class="mk-ic mk-s22" :class="{'mk-f': row.state === 'arrived'}" aria-hidden="true">{{ looks[row.state] }}</span>
      <div class="mk-grow"><p class="mk-up-n"><bdi class="mk-b">{{ row.name }}</bdi><span class="mk-t3">{{ row.label }}</span></p>
        <p class="mk-sm" :role="['failed', 'lost'].includes(row.state) ? 'alert' : null">{{ told(row) }}</p>
        <span v-if="row.state === 'sending'" class="mk-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" :aria-valuenow="Math.round(row.share * 100)" :aria-label="row.name"><i :style="{inlineSize: row.share * 100 + '%'}"></i></span></div>
      <button v-if="row.retry" type="button" class="mk-btn mk-s mk-sm" data-testid="upload-retry" @click="again(row)">${ICON('refresh')}<span>{{ words.retry }}</span></button>
      <button type="button" class="mk-ib mk-sm" :aria-label="words.dismiss + ': ' + row.name" :title="words.dismiss" data-testid="upload-dismiss" @click="queue.dismiss(row)">${ICON('close')}</button></li></ul>
  </section>`;
const DROPZONE = `
  <div v-if="mayUpload" class="mk-dz" :class="{'mk-over': over === 'zone'}" data-slot="zone"><span class="mk-ic mk-s28" aria-hidden="true">cloud_upload</span>
    <span><b>{{ over ? words.dropHere : words.drop }}</b> {{ words.or }} <button type="button" class="mk-b mk-lnk2" data-testid="upload-choose" @click="choose(null)">{{ words.choose }}</button>
      <span class="mk-t3 mk-sm mk-dz-l"><bdi class="mk-num" dir="ltr" data-testid="upload-kinds">{{ kinds }}</bdi> · {{ words.limit }}</span><span class="mk-t3 mk-sm mk-dz-l">{{ words.sorted }}</span></span></div>`;
const CHECKLIST = `
  <section class="mk-card mk-need" :aria-label="words.required" data-testid="checklist">
    <div class="mk-row mk-need-h"><span class="mk-ring" :style="{'--v': sums.required ? 100 * sums.received / sums.required : 0}" role="img" :aria-label="sums.title" data-testid="checklist-ring" :data-received="sums.received" :data-required="sums.required">{{ sums.received }}/{{ sums.required }}</span>
      <div class="mk-grow"><h2 class="mk-b">{{ sums.missing ? sums.missingText : sums.required ? words.complete : words.nothingRequired }}</h2><p class="mk-sm mk-t2">{{ sums.purpose }}</p></div></div>
    <div v-if="sums.unchecked" class="mk-call-out mk-hue-amber">${ICON('info')}<span>{{ words.unchecked }} <button v-if="mayJudge" type="button" class="mk-b mk-lnk2" @click="order({order: 'recheck'})">{{ words.recheck }}</button></span></div>
    <ul class="mk-chk mk-v"><li v-for="item in listed" :key="item.key" :class="{'mk-miss': item.missing, 'mk-over': over === item.key, 'mk-off': !item.required}" :data-testid="item.missing ? 'document-missing' : 'document-needed'" :data-type="item.type" :data-state="item.state" :data-slot="item.missing && mayUpload ? item.key : null">
      <span v-if="item.missing" class="mk-tb mk-only-xs" aria-hidden="true"><span class="mk-ic mk-s24">photo_camera</span></span>
      <span class="mk-ic" :class="['mk-dotof', 'mk-hue-' + item.hue, {'mk-f': item.state === 'accepted', 'mk-hide-xs': item.missing}]" aria-hidden="true">{{ item.icon }}</span>
      <span class="mk-grow"><span class="mk-nm" dir="auto">{{ item.label }}</span><span class="mk-vh">: {{ item.stateLabel }}</span>
        <span v-if="item.state === 'rejected' && item.missing" class="mk-xs mk-said2">{{ item.stateLabel }} – {{ item.reason }}</span>
        <span v-else-if="item.missing" class="mk-xs mk-t3">{{ item.who }}</span><span v-else-if="item.state === 'received'" class="mk-xs mk-t3">{{ item.stateLabel }}</span><span v-else-if="!item.required" class="mk-xs mk-t3">{{ words.notRequired }}<template v-if="item.reason && item.waived"> – {{ item.reason }}</template></span>
        <span v-if="item.missing && (item.yours || item.blocking)" class="mk-row mk-tags"><span v-if="item.yours" class="mk-chip mk-tiny mk-hue-blue">{{ words.yours }}</span><span v-if="item.blocking" class="mk-chip mk-tiny mk-hue-amber">{{ words.blocking }}</span></span></span>
      <button v-if="mayJudge && item.waived" type="button" class="mk-btn mk-g mk-sm" data-testid="require-again" @click="order({order: 'require', type: item.type})">{{ words.requireAgain }}</button>
      <button v-else-if="mayJudge && item.missing" type="button" class="mk-ib mk-sm" :aria-label="(item.need ? words.withdraw : words.waive) + ': ' + item.label" :title="item.need ? words.withdraw : words.waive" data-testid="waive" @click="item.need ? order({order: 'withdraw', need: item.need}) : waiving = waiving === item.key ? '' : item.key">${ICON('block')}</button>
      <button v-if="mayUpload && item.missing" type="button" class="mk-btn mk-soft mk-sm" :aria-label="words.uploadNamed.replace('{name}', item.label)" data-testid="upload-slot" @click="choose(slotOf(item))">${ICON('upload')}<span>{{ words.upload }}</span></button>
      <form v-if="waiving === item.key" :data-id="item.key" class="mk-row mk-sub2" @submit.prevent="order({order: 'waive', type: item.type, reason: whys[item.key] || ''}, 'waive ' + item.key)"><label class="mk-inp mk-sm mk-grow"><span class="mk-vh">{{ words.waiveWhy }}</span><input v-model="whys[item.key]" maxlength="200" dir="auto" :placeholder="words.waiveWhy" data-testid="waive-why"></label><button type="submit" class="mk-btn mk-p mk-sm" data-testid="waive-save">{{ words.notRequired }}</button></form></li></ul>
    <template v-if="mayJudge"><button v-if="!asking" type="button" class="mk-btn mk-s mk-sm mk-w" data-testid="require-other" @click="asking = true">${ICON('add')}<span>{{ words.requireOther }}</span></button>
      <form v-else class="mk-ask" data-testid="require-form" @submit.prevent="require"><label class="mk-inp mk-sm"><span class="mk-vh">{{ words.which }}</span><select v-model="wanted.type" data-testid="require-type"><option v-for="kind in types" :key="kind.id" :value="kind.id">{{ kind.label }}</option></select></label>
        <label v-if="wanted.type === free" class="mk-inp mk-sm"><span class="mk-vh">{{ words.what }}</span><input v-model="wanted.label" maxlength="200" dir="auto" :placeholder="words.what" data-testid="require-label"></label>
        <label class="mk-tick mk-sm"><input type="checkbox" class="mk-box" v-model="wanted.blocking"><span>{{ words.blocking }}</span></label>
        <p v-if="refused.require" class="mk-note mk-e" role="alert">${ICON('error')}<span>{{ refused.require }}</span></p>
        <div class="mk-row"><button type="submit" class="mk-btn mk-p mk-sm" data-testid="require-save">{{ words.save }}</button><button type="button" class="mk-btn mk-g mk-sm" data-testid="require-cancel" @click="settled('require')">{{ words.cancel }}</button></div></form></template>
  </section>`;
const TILE = `
  <article v-for="document in inGroup(group.id)" :key="document.uuid" class="mk-doc" :class="{'mk-new': document.fresh, 'mk-on': document.uuid === shown, 'mk-bad2': document.state === 'rejected'}" data-testid="document" :data-document="document.uuid" :data-state="document.state" :data-type="document.type" :data-version="document.version">
    <button type="button" class="mk-open" :aria-pressed="picking ? String(picked.includes(document.uuid)) : null" :aria-label="document.title + ', ' + document.stateLabel + (document.versionText ? ', ' + document.versionText : '')" data-testid="document-open" @click="open(document)">
      <span class="mk-th"><img v-if="document.preview && !broken.includes(document.uuid)" :src="'/files/' + document.uuid + '/pages/1?w=320'" alt="" loading="lazy" @error="later(document.uuid)"><span v-else class="mk-ic mk-s28 mk-t3" aria-hidden="true">{{ document.icon }}</span>
        <span v-if="picking" class="mk-cb" :class="{'mk-on': picked.includes(document.uuid)}"><span v-if="picked.includes(document.uuid)" class="mk-ic" aria-hidden="true">check</span></span></span>
      <span class="mk-in"><span class="mk-ti"><span v-if="document.fresh" class="mk-udot" role="img" :aria-label="words.fresh"></span><span class="mk-ell" dir="auto">{{ document.title }}</span></span>
        <span class="mk-me"><bdi class="mk-num" dir="ltr">{{ document.kind }}</bdi><template v-if="document.pagesText"> · {{ document.pagesText }}</template> · <span>{{ document.day }}</span><template v-if="document.versionText"> · {{ document.versionText }}</template></span>
        <span class="mk-chip mk-tiny" :class="'mk-hue-' + document.hue"><span class="mk-ic" aria-hidden="true">{{ document.stateIcon }}</span><span class="mk-ell">{{ document.stateLabel }}<template v-if="document.reason"> – {{ document.reason }}</template></span></span></span></button>
    <button v-if="!picking" type="button" class="mk-ib mk-sm mk-dots" :aria-label="words.actions + ': ' + document.title" :aria-expanded="String(menu === document.uuid)" data-testid="document-menu" @click="menu = menu === document.uuid ? '' : document.uuid">${ICON('more_vert')}</button>
    <div v-if="menu === document.uuid" class="mk-pop mk-menu mk-dmenu" @keydown.esc.stop="menu = ''">
      <button type="button" class="mk-mi" @click="open(document)">${ICON('visibility')}<span>{{ words.open }}</span></button>
      <a class="mk-mi" :href="'/files/' + document.uuid + '?download=1'" data-testid="document-download" @click="menu = ''">${ICON('download')}<span>{{ words.download }}</span></a>
      <button v-if="mayUpload" type="button" class="mk-mi" @click="replace(document)">${ICON('upload')}<span>{{ document.state === 'rejected' ? words.uploadBetter : words.newVersion }}</span></button>
      <button v-if="mayJudge && document.state !== 'accepted'" type="button" class="mk-mi" @click="order({order: 'accept', document: document.uuid})">${ICON('check')}<span>{{ words.accept }}</span></button>
      <button v-if="document.mayRemove" type="button" class="mk-mi" @click="order({order: 'remove', document: document.uuid})">${ICON('delete')}<span>{{ words.remove }}</span></button></div>
  </article>`;
const MAIN = `
  <div class="mk-dmain">
    <div v-if="documents.length" class="mk-row mk-dbar"><div class="mk-seg mk-scrollx mk-hide-xs" role="group" :aria-label="words.groups"><button type="button" :class="{'mk-on': !only}" :aria-pressed="String(!only)" @click="only = ''"><span>{{ words.all }}</span> <span class="mk-t3">{{ tiles.length }}</span></button><button v-for="group in groups" :key="group.id" type="button" :class="{'mk-on': only === group.id}" :aria-pressed="String(only === group.id)" :data-testid="'documents-' + group.id" @click="only = group.id"><span>{{ group.label }}</span> <span class="mk-t3">{{ group.count }}</span></button></div>
      <h2 class="mk-only-xs">{{ words.received }}</h2><span class="mk-sp"></span>
      <button type="button" class="mk-btn mk-g mk-sm" :aria-pressed="String(picking)" data-testid="documents-pick" @click="picking = !picking; picked = []">${ICON('checklist')}<span>{{ picking ? words.pickDone : words.pick }}</span></button>
      <a v-if="picking && picked.length" class="mk-btn mk-p mk-sm" :href="address + '/zip?ids=' + picked.join(',')" data-testid="documents-zip">${ICON('folder_zip')}<span>{{ words.downloadPicked }} ({{ picked.length }})</span></a>
      <a v-else class="mk-btn mk-s mk-sm" :href="address + '/zip'" data-testid="documents-all">${ICON('folder_zip')}<span>{{ words.downloadAll }}</span></a>
      <label v-if="mayJudge && picked.length" class="mk-tick mk-sm mk-dpl"><input type="checkbox" class="mk-box" v-model="withLetter" data-testid="pack-letter"><span>{{ words.withLetter }}</span></label>
      <button v-if="mayJudge" type="button" class="mk-btn mk-s mk-sm mk-dpk" :disabled="packing ? true : null" data-testid="pack-make" :title="words.packHint" @click="pack"><span class="mk-ic" :class="{'mk-spin': packing}" aria-hidden="true">{{ packing ? 'progress_activity' : 'picture_as_pdf' }}</span><span>{{ packing ? words.packing : picked.length ? words.makePackPicked + ' (' + picked.length + ')' : words.makePack }}</span></button></div>
    <div v-else class="mk-card mk-empty">${ICON('folder_open', ' mk-s28 mk-t3')}<h3>{{ words.nothing }}</h3><p>{{ words.nothingHint }}</p></div>
    <div class="mk-dall"><section v-for="group in shownGroups" :key="group.id" class="mk-dgroup" :aria-label="group.label"><div class="mk-row mk-dgroup-h"><h3 class="mk-b">{{ group.label }}</h3><span class="mk-t3 mk-sm">{{ group.counted }}</span></div>
      <div class="mk-dgrid">${TILE}
        <button v-for="item in missingIn(group.id)" :key="item.key" type="button" class="mk-doc mk-miss" :class="{'mk-over': over === item.key}" :disabled="!mayUpload" :data-slot="item.key" data-testid="document-slot" :aria-label="words.uploadNamed.replace('{name}', item.label)" @click="choose(slotOf(item))"><span class="mk-th"><span class="mk-ic mk-s28" aria-hidden="true">upload_file</span><span class="mk-sm mk-b">{{ words.uploadMissing }}</span></span><span class="mk-in"><span class="mk-ti"><span class="mk-ell" dir="auto">{{ item.label }}</span></span><span class="mk-me">{{ item.who }}</span></span></button></div></section></div>
    <section v-if="packs.length" class="mk-card mk-packs" :aria-label="words.packs" data-testid="packs"><h3 class="mk-b">{{ words.packs }}</h3>
      <ul><li v-for="one in packs" :key="one.uuid" data-testid="pack"><details><summary><span class="mk-ic mk-t3" aria-hidden="true">picture_as_pdf</span><span class="mk-grow"><span class="mk-b"><bdi class="mk-num">{{ one.at }}</bdi><template v-if="one.insurer"> · <bdi>{{ one.insurer }}</bdi></template></span><span class="mk-xs mk-t3">{{ one.pages }} · <bdi>{{ one.size }}</bdi> · <bdi>{{ one.by }}</bdi><template v-if="one.apart"> · {{ one.apart }}</template></span><span v-for="line in one.sent" :key="line" class="mk-xs mk-t2" data-testid="pack-sent">{{ line }}</span></span></summary>
          <ol><li v-for="([title, place, first], number) in one.lines" :key="number" class="mk-row mk-sm"><span class="mk-grow" dir="auto">{{ title }}</span><span class="mk-t3">{{ place }}</span><a v-if="first" class="mk-ib mk-sm" :href="'/files/packs/' + one.uuid + '/pages/' + first" :aria-label="partOf(one, title)" :title="partOf(one, title)" data-testid="pack-part">${ICON('download')}</a></li></ol></details>
        <button v-if="sending !== one.uuid" type="button" class="mk-btn mk-g mk-sm" :aria-label="words.sent + ': ' + words.packs + ' ' + one.at" data-testid="pack-send" @click="beginSending(one)">${ICON('forward_to_inbox')}<span>{{ words.sent }}</span></button>
        <a class="mk-btn mk-s mk-sm" :href="'/files/packs/' + one.uuid" :aria-label="words.download + ': ' + words.packs + ' ' + one.at" data-testid="pack-download">${ICON('download')}<span>{{ words.download }}</span></a>
        <form v-if="sending === one.uuid" :data-id="one.uuid" class="mk-pkf" data-testid="pack-send-form" @submit.prevent="saveSending(one)">
          <label class="mk-fld"><span class="mk-lab">{{ words.sentTo }}</span><span class="mk-inp mk-sm"><input v-model="sendings[one.uuid].to" maxlength="120" dir="auto" required data-testid="pack-sent-to"></span></label>
          <day-field v-model="sendings[one.uuid].on" v-model:typed="sendings[one.uuid].typed" :label="words.sentOn" :min="one.day" :max="today" look="mk-lab" required data-testid="pack-sent-on"></day-field>
          <label class="mk-fld"><span class="mk-lab">{{ words.sentBy }}</span><span class="mk-inp mk-sm"><select v-model="sendings[one.uuid].way" required data-testid="pack-sent-way"><option value="" disabled>{{ words.choosing }}</option><option v-for="way in ways" :key="way.id" :value="way.id">{{ way.label }}</option></select></span></label>
          <p v-if="refused['sent ' + one.uuid]" class="mk-note mk-e" role="alert">${ICON('error')}<span>{{ refused['sent ' + one.uuid] }}</span></p>
          <div class="mk-row"><button type="submit" class="mk-btn mk-p mk-sm" data-testid="pack-sent-save">{{ words.save }}</button><button type="button" class="mk-btn mk-g mk-sm" data-testid="pack-sent-cancel" @click="settled('sent ' + one.uuid)">{{ words.cancel }}</button></div></form></li></ul>
      <button v-if="morePacks" type="button" class="mk-btn mk-g mk-sm mk-w" data-testid="packs-all" @click="$emit('all_packs')">{{ words.allPacks }}</button></section>
    <details v-if="trash.length" class="mk-card mk-trash" data-testid="documents-trash"><summary>${ICON('delete')}<span>{{ words.trash }}</span><span class="mk-badge">{{ trash.length }}</span></summary>
      <ul><li v-for="document in trash" :key="document.uuid" class="mk-row" data-testid="document-removed"><span class="mk-ic mk-t3" aria-hidden="true">{{ document.icon }}</span><span class="mk-grow"><span dir="auto">{{ document.title }}</span><span class="mk-xs mk-t3"><bdi>{{ document.file }}</bdi> · {{ document.deleted }}</span></span><button type="button" class="mk-btn mk-s mk-sm" data-testid="document-restore" @click="order({order: 'restore', document: document.uuid})">${ICON('restart_alt')}<span>{{ words.restore }}</span></button></li></ul></details>
  </div>`;

export default {
  components: {DocumentViewer, DayField: maakav.dayField},
  template: `
    <div class="mk-docs" :class="{'mk-with': shown}">
      <input type="file" multiple class="mk-vh" tabindex="-1" ref="input" :accept="taken.accept" :aria-label="words.chooseFile" :disabled="!mayUpload" data-testid="upload" @change="chosen">
      <input type="file" multiple class="mk-vh" tabindex="-1" ref="photos" accept="image/*" :aria-label="words.photograph" :disabled="!mayUpload" data-testid="upload-photo" @change="chosen">
      ${UPLOADS}
      <div class="mk-dside">${DROPZONE}${CHECKLIST}</div>
      ${MAIN}
      <div v-if="shown" class="mk-dview"><DocumentViewer :documents="documents" :shown="shown" :sequence="sequence" :requests="requests" :types="types" :reasons="reasons" :views="views" :answer="answer" :rejections="rejections" :refused="refused['reject ' + shown] || ''" :words="words" :may-judge="mayJudge" :may-upload="mayUpload" @show="show" @close="close" @order="order" @begin="rejections[$event] = {reason: '', free: ''}" @discard="settled('reject ' + $event)" @upload="replace"></DocumentViewer></div>
      <div v-if="mayUpload" class="mk-abar mk-dabar"><button type="button" class="mk-btn mk-p mk-xl mk-grow" data-testid="photograph" @click="sheet = true">${ICON('photo_camera')}<span>{{ words.photograph }}</span></button><button type="button" class="mk-btn mk-s mk-xl" @click="choose(null)">${ICON('attach_file')}<span>{{ words.chooseFile }}</span></button></div>
      <div v-if="sheet" class="mk-scrim" @click.self="sheet = false" @keydown.esc="sheet = false"><div class="mk-sheet" role="dialog" aria-modal="true" :aria-label="words.photographWhat" ref="sheet" tabindex="-1" data-testid="photograph-what"><div class="mk-grab"></div><div class="mk-sheet-h"><h2>{{ words.photographWhat }}</h2><button type="button" class="mk-ib mk-lg" :aria-label="words.close" @click="sheet = false">${ICON('close')}</button></div>
        <button v-for="slot in slots" :key="slot.key" type="button" class="mk-sheet-r" @click="sheet = false; choose(slot, true)">${ICON('photo_camera')}<span dir="auto">{{ slot.label }}</span></button></div></div>
      <span class="mk-vh" role="status" aria-live="polite">{{ spoken }}</span>
    </div>`,
  mixins: [keeping, maakav.ordering],
  props: {
    claimNo: String, keep: String, address: String, person: String, taken: Object, kinds: String, mayUpload: Boolean, mayJudge: Boolean, items: Array, documents: Array,
    trash: Array, packs: Array, today: String, ways: Array, morePacks: Boolean, groups: Array, types: Array, reasons: Array, sums: Object, views: Object, answer: Object, words: Object,
  },
  emits: ['order', 'look', 'all_packs'],
  data() {
    return {
      queue: new UploadQueue({address: this.address, key: `maakav.uploads.${this.person}.${this.claimNo}`, words: this.words, taken: this.taken}),
      shown: '', only: '', menu: '', picking: false, picked: [], broken: [], tried: [], over: '', waiting: null, waiving: '', asking: false, sheet: false, packing: false, withLetter: true, spoken: '', free: FREE,
      // what is typed, each under what it is about: why one is not required, which other one is, why one is rejected, where a pack went; and why such an order was refused
      whys: {}, wanted: {...WANTED}, rejections: {}, sending: '', sendings: {}, sent: {}, refused: {},
      looks: {waiting: 'schedule', sending: 'cloud_upload', checking: 'cloud_upload', arrived: 'check_circle', known: 'content_copy', failed: 'error', held: 'cloud_off', lost: 'error'},
    };
  },
  computed: {
    tiles() { return this.documents.filter((document) => document.current); },
    sequence() { return this.shownGroups.flatMap((group) => this.inGroup(group.id).map((document) => document.uuid)); },
    shownGroups() { return this.groups.filter((group) => (!this.only || group.id === this.only) && (group.count || group.missing)); },
    /* What one may be about to photograph: what is missing, more of what there may be many of, anything else. */
    slots() {
      const missing = this.listed.filter((item) => item.missing).map((item) => ({...this.slotOf(item), key: item.key}));
      const photos = this.types.find((kind) => kind.id === 'damage_photos');
      if (photos && !missing.some((slot) => slot.type === photos.id)) missing.push({key: photos.id, type: photos.id, need: null, replaces: null, label: photos.label});
      return [...missing, {key: this.free, type: this.free, need: null, replaces: null, label: this.words.other}];
    },
    requests() { return this.items.filter((item) => item.need); },
    /* Missing first, of them what this person can bring, then what holds the claim up; what is not needed comes last. */
    listed() {
      const weight = (item) => (item.missing ? (item.yours ? 0 : 2) + (item.blocking ? 0 : 1) : item.required ? 4 : 5);
      return this.items.filter((item) => item.required || item.waived).map((item, place) => ({item, place})).sort((a, b) => weight(a.item) - weight(b.item) || a.place - b.place).map(({item}) => item);
    },
  },
  watch: {
    sheet(open) { if (open) this.$nextTick(() => this.$refs.sheet.focus()); },
    documents() { this.reopen(); this.queue.settle(); this.picked = this.picked.filter((uuid) => this.tiles.some((tile) => tile.uuid === uuid)); },
    // by its turn: the same answer comes along with every news of the documents
    'answer.turn'() {
      const {message, said, form} = this.answer;
      this.answered(this.answer);
      this.menu = '';
      if (!message) this.kept(form);
      if (message && this.typedIn(form)) this.refused[form] = message;
      if (message && !this.stands(form)) maakav.say(message, true);
      this.spoken = message ? '' : said;
      this.remember();
    },
    'queue.rows': {deep: true, handler(rows) {
      const newest = rows.find((row) => ['arrived', 'known', 'failed'].includes(row.state) && !row.spoken);
      if (newest) { newest.spoken = true; this.spoken = `${newest.name}: ${this.told(newest)}`; }
    }},
  },
  created() {
    const {waiving, whys, asking, wanted, rejections, sending, sendings, shown} = this.remembered();
    if (whys) Object.assign(this, {waiving, whys, asking, wanted, rejections, sending, sendings});
    this.reopens = shown;
  },
  mounted() {
    this.reopen();
    this.queue.start((row) => this.documents.find((document) => document.mine && document.bytes === row.size && document.at > row.after), () => this.documents[0]?.at || '');
    this.outside = (event) => { if (this.menu && !event.target.closest('.mk-dmenu, .mk-dots')) this.menu = ''; };
    this.dragged = (event) => {
      if (!this.mayUpload || !this.$el.offsetParent || ![...(event.dataTransfer?.types || [])].includes('Files')) return;
      event.preventDefault();
      this.over = event.target.closest?.('[data-slot]')?.dataset.slot || 'zone';
    };
    this.left = (event) => { if (!event.relatedTarget) this.over = ''; };
    this.dropped = (event) => {
      if (!this.over) return;
      event.preventDefault();
      const item = this.items.find((candidate) => candidate.key === this.over && candidate.missing);
      this.over = '';
      this.send(event.dataTransfer.files, item ? this.slotOf(item) : null);
    };
    addEventListener('pointerdown', this.outside);
    addEventListener('dragover', this.dragged);
    addEventListener('dragleave', this.left);
    addEventListener('drop', this.dropped);
  },
  unmounted() {
    removeEventListener('pointerdown', this.outside);
    removeEventListener('dragover', this.dragged);
    removeEventListener('dragleave', this.left);
    removeEventListener('drop', this.dropped);
    this.queue.stop();
  },
  methods: {
    inGroup(group) { return this.tiles.filter((document) => document.group === group); },
    missingIn(group) { return this.items.filter((item) => item.missing && item.group === group && item.state !== 'rejected'); },
    slotOf(item) { return {type: item.type, need: item.need, replaces: item.replaces, label: item.label}; },
    told(row) {
      if (row.state === 'arrived') return [this.words.receivedAt.replace('{time}', row.time), row.message].filter(Boolean).join('. ');
      if (row.state === 'sending') return `${this.words.sending} ${Math.round(row.share * 100)}%`;
      return row.message || this.words[row.state];
    },
    /* ---- files ---- */
    choose(slot, photos = false) {
      this.waiting = slot;
      this.menu = '';
      (photos ? this.$refs.photos : this.$refs.input).click();
    },
    chosen(event) {
      const slot = this.waiting;
      this.waiting = null;
      this.send(event.target.files, slot);
      event.target.value = '';
    },
    send(files, slot) {
      const taken = new Set();
      // of several files for one rejected document the first takes its place, the others stand beside it
      this.queue.add([...files], (file) => {
        const place = {...(slot || this.guess(file))};
        if (place.replaces && taken.has(place.replaces)) place.replaces = null;
        taken.add(place.replaces);
        return place;
      });
      if (slot?.lost) this.queue.remove(slot.lost);
    },
    guess(file) {
      const type = kindOf(file, this.types, this.free);
      const item = this.items.find((candidate) => candidate.type === type && candidate.missing && !candidate.need);
      return item ? this.slotOf(item) : {type, need: null, replaces: null, label: this.types.find((kind) => kind.id === type)?.label || ''};
    },
    again(row) { if (!this.queue.retry(row)) this.choose({...row.slot, lost: row}); },
    replace(document) { this.choose({type: document.type, need: document.need, replaces: document.uuid, label: document.title}); },
    /* ---- documents ---- */
    open(document) {
      this.menu = '';
      if (this.picking) {
        this.picked = this.picked.includes(document.uuid) ? this.picked.filter((uuid) => uuid !== document.uuid) : [...this.picked, document.uuid];
      } else this.show(document.uuid);
    },
    /* A picture that is not drawn yet is asked for once more. */
    later(uuid) {
      this.broken.push(uuid);
      if (!this.tried.includes(uuid)) {
        this.tried.push(uuid);
        setTimeout(() => { this.broken = this.broken.filter((other) => other !== uuid); }, 5000);
      }
    },
    show(uuid) {
      this.tidy();
      this.shown = uuid;
      this.$emit('look', uuid);
    },
    close() {
      const closed = this.shown;
      this.tidy();
      this.shown = '';
      this.$emit('look', '');
      this.$nextTick(() => this.$el.querySelector(`[data-document="${closed}"] .mk-open`)?.focus());
    },
    /* One PDF of all documents, or of those that are selected. It appears here for everybody of the bureau. */
    async pack() {
      this.packing = true;
      let told = this.words.packLost, failed = true;
      try {
        const answer = await fetch(`${this.address}/pack?ids=${this.picked.join(',')}&letter=${this.picked.length && !this.withLetter ? 0 : 1}`, {method: 'POST', headers: {'X-Maakav-Upload': '1'}});
        const {error, told: said} = await answer.json();
        failed = !answer.ok;
        told = error || said || told;
      } catch { /* the line broke, or what answered was not the portal */ }
      this.packing = false;
      if (!failed) Object.assign(this, {picking: false, picked: [], withLetter: true});
      maakav.say(told, failed);
    },
    partOf(one, title) { return this.words.downloadPart.replace('{name}', () => title).replace('{when}', () => one.at); },
    /* Where a pack went; what was begun of one goes on. */
    beginSending(one) {
      this.sendings[one.uuid] ||= {to: one.insurer, on: this.today, typed: '', way: ''};
      this.sending = one.uuid;
      this.$nextTick(() => this.$el.querySelector(`[data-id="${one.uuid}"] input`)?.focus());
    },
    saveSending(one) {
      const {to, on, way} = this.sendings[one.uuid];
      this.order({order: 'sent', document: one.uuid, to, on, way}, `sent ${one.uuid}`);
    },
    /* ---- what is typed ---- */
    /* Whether the form an answer belongs to is to be seen, and says itself why it was refused. */
    stands(form) { return form === `sent ${this.sending}` || form === 'require' ? this.asking : form === `reject ${this.shown}` && Boolean(this.rejections[this.shown]); },
    typedIn(form) {
      const [name, about] = form.split(' ');
      return name ? JSON.stringify({require: this.wanted, reject: this.rejections[about], sent: this.sendings[about], waive: this.whys[about] || ''}[name]) : '';
    },
    /* What was typed or chosen since it was sent stays. */
    kept(form) {
      const [name, about] = form.split(' '), sent = this.sent[form], typed = this.typedIn(form);
      if (typed === sent) this.settled(form);
      if (typed === sent || !typed || !sent) return;
      const [now, before] = [typed, sent].map((text) => JSON.parse(text));
      if (name === 'waive') this.whys[about] = maakav.behind(now, before);
      if (name === 'require') this.wanted.label = maakav.behind(now.label, before.label);
      if (name === 'reject') this.rejections[about] = {reason: now.reason === before.reason ? '' : now.reason, free: maakav.behind(now.free, before.free)};
    },
    /* What was sent, or thrown away, is in no form any more; what stands in others stays. */
    settled(form) {
      const [name, about] = form.split(' ');
      delete this.refused[form];
      delete this.sent[form];
      if (name === 'require') Object.assign(this, {asking: false, wanted: {...WANTED}});
      if (name === 'reject') delete this.rejections[about];
      if (name === 'sent') {
        delete this.sendings[about];
        if (this.sending === about) this.sending = '';
      }
      if (name !== 'waive') return;
      delete this.whys[about];
      if (this.waiving === about) this.waiving = '';
    },
    /* A rejection without a reason is not begun. */
    tidy() { this.rejections = Object.fromEntries(Object.entries(this.rejections).filter(([, {reason, free}]) => reason || free.trim())); },
    toKeep() {
      // of what is gone nothing is kept
      const ofItems = Object.entries(this.whys).filter(([key]) => this.items.some((item) => item.key === key));
      const ofDocuments = Object.entries(this.rejections).filter(([uuid]) => this.documents.some((document) => document.uuid === uuid));
      const {waiving, asking, wanted, sending, sendings} = this, whys = Object.fromEntries(ofItems), rejections = Object.fromEntries(ofDocuments);
      const isTyped = [whys, ...Object.values(rejections)].some((texts) => Object.values(texts).some(Boolean)) || JSON.stringify(wanted) !== JSON.stringify(WANTED) || Object.keys(sendings).length > 0;
      return isTyped ? {waiving, whys, asking, wanted, rejections, sending, sendings, shown: rejections[this.shown] ? this.shown : ''} : null;
    },
    /* A reload led away from a reason that was being typed. */
    reopen() {
      if (!this.reopens || !this.documents.some((document) => document.uuid === this.reopens)) return;
      this.show(this.reopens);
      this.reopens = '';
    },
    /* What was ordered is not ordered again until it is answered. `form` is where it was typed, and is told of its answer. */
    order(what, form = '') {
      const text = JSON.stringify(what);
      if (this.busy && text === this.onItsWay) return;
      this.onItsWay = text;
      delete this.refused[form];
      this.sent[form] = this.typedIn(form);
      this.$emit('order', {...what, form, number: this.numbered(form)});
    },
    require() {
      const {type, label, blocking} = this.wanted;
      this.order(type === this.free ? {order: 'ask_for', label, blocking} : {order: 'require', type, blocking}, 'require');
    },
  },
};
