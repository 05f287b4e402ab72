/* Cheques: views, who pays, a month of days, and the rows: a table on the desk, cards below 1024 px. What may be done with a cheque comes with its row. */
const PLATE = `<template v-if="row.plate">${maakav.plate('row.plate', "texts.plate + ' ' + row.plate")}</template>`;
const CHIP = `<span class="mk-chip" :class="'mk-hue-' + row.state.hue" data-testid="cheque-state" :data-state="row.state.id"><span class="mk-ic" aria-hidden="true">{{ row.state.icon }}</span><span class="mk-ell">{{ row.state.label }}</span></span>`;
const NOTES = `<span v-if="row.reason" class="mk-t3">{{ row.reason }}</span><span v-if="row.late" class="mk-qlate">{{ texts.late }}</span><span v-if="row.waiver && row.live" class="mk-qlate">{{ texts.waiver }}</span>`;
const WAY = `<span class="mk-qway"><span class="mk-ic mk-s16" :class="row.out ? 'mk-out' : 'mk-inw'" aria-hidden="true">{{ row.out ? 'call_made' : 'call_received' }}</span><span class="mk-ell">{{ row.way }}</span></span>`;
const ACTS = `<span v-if="row.steps.length" class="mk-qacts"><button type="button" class="mk-btn mk-s mk-sm" data-testid="cheque-next" :disabled="busy === row.id ? true : null" @click.stop.prevent="take(row, row.steps[0])">{{ row.steps[0].label }}</button><button v-if="row.steps.length > 1" type="button" class="mk-ib mk-sm" data-testid="cheque-more" :aria-label="texts.more" @click.stop.prevent="ask(row)"><span class="mk-ic" aria-hidden="true">more_horiz</span></button></span>`;
const NONE = `<div v-if="status === 'empty' || status === 'error'" class="mk-empty" :role="status === 'error' ? 'alert' : 'status'" :data-testid="'list-' + status"><h2>{{ message.title }}</h2><p>{{ message.text }}</p><button v-if="message.clear" type="button" class="mk-btn mk-s" @click="go({direction: '', office: '', insurer: '', agent: '', due_from: '', due_to: ''})">{{ message.clear }}</button><button v-if="message.again" type="button" class="mk-btn mk-s" @click="$emit('again')">{{ message.again }}</button></div>`;
const CALENDAR = `
  <section v-if="state.view === 'calendar' && days.length" class="mk-qcal" :aria-label="title" data-testid="calendar">
    <div class="mk-qcal-h"><button type="button" class="mk-ib" :aria-label="texts.before" data-testid="month-before" @click="go({month: months.before})"><span class="mk-ic mk-dir" aria-hidden="true">chevron_right</span></button><h2 aria-live="polite" data-testid="calendar-title">{{ title }}</h2><button type="button" class="mk-ib" :aria-label="texts.after" data-testid="month-after" @click="go({month: months.after})"><span class="mk-ic mk-dir" aria-hidden="true">chevron_left</span></button><span class="mk-sp"></span><button type="button" v-if="state.day" class="mk-btn mk-g mk-sm" @click="go({month: state.month})">{{ texts.wholeMonth }}</button><button type="button" class="mk-btn mk-s mk-sm" @click="go({month: ''})">{{ texts.today }}</button></div>
    <div class="mk-cal"><span v-for="(name, n) in week" :key="name" class="mk-wd" aria-hidden="true">{{ name }}</span>
      <button v-for="day in days" :key="day.day" type="button" class="mk-dy" data-testid="calendar-day" :data-day="day.day" :class="[day.tone && 'mk-' + day.tone, {'mk-off': day.off, 'mk-else': !day.in, 'mk-today': day.today, 'mk-on': day.on}]" :aria-label="day.said" :aria-pressed="String(day.on)" :aria-current="day.today ? 'date' : null" @click="pick(day)"><span class="mk-n"><bdi class="mk-num" dir="ltr">{{ day.n }}</bdi><b v-if="day.count > 1" class="mk-qn">{{ day.count }}</b></span><span v-if="day.occasion" class="mk-hol mk-ell">{{ day.occasion }}</span><span v-if="day.incoming" class="mk-a"><span class="mk-ic" aria-hidden="true">call_received</span><bdi class="mk-num" dir="ltr">{{ day.incoming }}</bdi></span><span v-if="day.outgoing" class="mk-a"><span class="mk-ic" aria-hidden="true">call_made</span><bdi class="mk-num" dir="ltr">{{ day.outgoing }}</bdi></span><span v-if="day.cleared && !day.count" class="mk-a mk-qdone"><span class="mk-ic" aria-hidden="true">check</span><bdi class="mk-num" dir="ltr">{{ day.cleared }}</bdi></span></button></div>
    <div class="mk-callegend"><span><i class="mk-qover"></i>{{ texts.overdue }}</span><span><i class="mk-qsoon"></i>{{ texts.soon }}</span><span><i class="mk-qlater"></i>{{ texts.later }}</span><span><span class="mk-ic mk-s16 mk-flip" aria-hidden="true">call_received</span>{{ texts.incoming }}</span><span><span class="mk-ic mk-s16 mk-flip" aria-hidden="true">call_made</span>{{ texts.outgoing }}</span><span><span class="mk-ic mk-s16" aria-hidden="true">check</span>{{ texts.cleared }}</span></div>
  </section>`;
const DIALOG = `
  <dialog v-if="open" ref="dialog" @vue:before-unmount="$event.el.close()" class="mk-dlg mk-qdlg" :aria-label="texts.act" data-testid="cheque-dialog" @cancel.prevent="close" @click.self="close">
    <div class="mk-dh"><h2><bdi class="mk-num" dir="ltr">{{ open.amount }}</bdi> · <span dir="auto">{{ open.name }}</span></h2><span class="mk-sp"></span><button type="button" class="mk-ib" :aria-label="texts.close" @click="close"><span class="mk-ic" aria-hidden="true">close</span></button></div>
    <div class="mk-db"><p v-if="refusal" class="mk-call-out mk-hue-red" role="alert" data-testid="cheque-refusal"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refusal }}</span></p>
      <template v-if="!chosen"><button v-for="step in open.steps" :key="step.state" type="button" class="mk-btn mk-w mk-lg" :class="step.danger ? 'mk-danger' : 'mk-s'" :data-testid="'step-' + step.state" :disabled="busy ? true : null" @click="choose(step)"><span class="mk-ic" aria-hidden="true">{{ step.icon }}</span>{{ step.label }}</button></template>
      <template v-else><fieldset v-if="chosen.reasons.length" class="mk-qwhy"><legend>{{ chosen.why }}</legend><label v-for="one in chosen.reasons" :key="one[0]"><input type="radio" name="why" :value="one[0]" v-model="reason"> {{ one[1] }}</label></fieldset>
        <p v-if="chosen.waiver" class="mk-call-out mk-hue-amber"><span class="mk-ic" aria-hidden="true">warning</span><span>{{ texts.confirmWaiver }}</span></p></template></div>
    <div class="mk-df"><a class="mk-btn mk-g" :href="open.href">{{ texts.toClaim }}</a><span class="mk-sp"></span><button v-if="chosen" type="button" class="mk-btn mk-p" data-testid="cheque-confirm" :disabled="busy || (chosen.reasons.length && !reason) ? true : null" @click="send(open, chosen)">{{ chosen.label }}</button></div>
  </dialog>`;

export default {
  template: `
    <div class="mk-contents">
      <div class="mk-tabs" role="tablist" :aria-label="texts.views"><a v-for="view in views" :key="view.name" class="mk-tab" :class="{'mk-on': view.name === state.view}" role="tab" :aria-selected="String(view.name === state.view)" :href="'/cheques?view=' + view.name" :data-testid="'view-' + view.name" @click.prevent="go({view: view.name})"><span v-if="view.name === 'calendar'" class="mk-ic mk-s18" aria-hidden="true">calendar_month</span>{{ view.label }} <span v-if="view.count" class="mk-badge" :class="{'mk-qred': view.name === 'overdue' && view.count !== '0'}">{{ view.count }}</span></a></div>
      <div class="mk-tool mk-qtool"><div class="mk-seg" role="group" :aria-label="texts.direction"><button v-for="side in sides" :key="side[0]" type="button" :class="{'mk-on': side[0] === state.direction}" :aria-pressed="String(side[0] === state.direction)" :data-testid="'side-' + (side[0] || 'all')" @click="go({direction: side[0]})">{{ side[1] }}</button></div>
        <select v-if="bureau" class="mk-size" :aria-label="texts.office" data-testid="filter-office" :value="state.office" @change="go({office: $event.target.value})"><option value="">{{ texts.everyOffice }}</option><option v-for="office in offices" :key="office[0]" :value="office[0]">{{ office[1] }}</option></select><span v-if="narrowed" class="mk-fchip mk-on" data-testid="narrowed"><b>{{ narrowed }}</b><button type="button" :aria-label="texts.remove" @click="go({insurer: '', agent: '', due_from: '', due_to: ''})"><span class="mk-ic" aria-hidden="true">close</span></button></span><span class="mk-sp"></span>
        <p class="mk-qsums" data-testid="sums"><span v-for="sum in sums" :key="sum[0]">{{ sum[0] }} <bdi class="mk-num mk-b" dir="ltr">{{ sum[1] }}</bdi></span></p></div>
      <p v-if="misread" class="mk-call-out mk-hue-amber mk-misread" role="status" data-testid="misread-day"><span class="mk-ic" aria-hidden="true">info</span><span>{{ misread }}</span></p>
      <div v-if="!compact" class="mk-twrap">${CALENDAR}
        <table v-if="status === 'ready' || status === 'loading'" class="mk-ct mk-chqt" data-testid="cheques-table" :aria-label="texts.table" :aria-busy="String(status === 'loading')">
          <thead><tr><th scope="col" style="width:208px">{{ texts.due }}</th><th scope="col" style="width:128px">{{ texts.amount }}</th><th scope="col">{{ texts.claim }}</th><th scope="col" class="mk-x" style="width:140px">{{ texts.plate }}</th><th scope="col">{{ texts.way }}</th><th scope="col" class="mk-y" style="width:104px">{{ texts.number }}</th><th scope="col" style="width:178px">{{ texts.state }}</th><th v-if="edits" scope="col" style="width:158px"><span class="mk-vh">{{ texts.act }}</span></th></tr></thead>
          <tbody v-if="status === 'loading'"><tr v-for="n in 6" :key="n" aria-hidden="true"><td v-for="m in edits ? 8 : 7" :class="{4: 'mk-x', 6: 'mk-y'}[m]"><span class="mk-sk" :style="'width:' + (40 + (n * 17 + m * 11) % 50) + '%'"></span></td></tr></tbody>
          <tbody v-else><tr v-for="row in rows" :key="row.id" data-testid="cheque" :data-cheque="row.id" :data-claim="row.claim_no" :class="{'mk-qended': !row.live}">
            <td><span class="mk-qdue"><bdi class="mk-num" dir="ltr">{{ row.due }}</bdi><span class="mk-t3">{{ row.weekday }}</span></span><div class="mk-ln2" :title="row.closed"><span v-if="row.left" class="mk-qleft" :class="'mk-' + row.tone">{{ row.left }}</span> <span v-if="row.closed">{{ row.closed }}</span></div></td>
            <td><bdi class="mk-num mk-b" dir="ltr">{{ row.amount }}</bdi></td>
            <td><div class="mk-nm mk-ell" dir="auto"><a class="mk-rowlink" :href="row.href">{{ row.name }}</a></div><div class="mk-ln2"><bdi class="mk-num" dir="ltr">{{ row.claim_no }}</bdi><template v-if="row.office"> · {{ row.office }}</template></div></td>
            <td class="mk-x">${PLATE}<span v-if="!row.plate" class="mk-t3">—</span></td>
            <td>${WAY}<div class="mk-ln2" v-if="row.payee || row.drawer"><bdi>{{ row.drawer || '—' }}</bdi> <span class="mk-ic mk-dir mk-s14" aria-hidden="true">arrow_back</span> <bdi>{{ row.payee || '—' }}</bdi></div></td>
            <td class="mk-y"><bdi v-if="row.cheque_no" class="mk-num" dir="ltr">{{ row.cheque_no }}</bdi><span v-else class="mk-t3">—</span></td>
            <td>${CHIP}<div class="mk-ln2">${NOTES}</div></td><td v-if="edits">${ACTS}</td></tr></tbody></table>${NONE}</div>
      <div v-else class="mk-mlist" data-testid="cheques-table" :aria-label="texts.table" :aria-busy="String(status === 'loading')">${CALENDAR}
        <template v-if="status === 'loading'"><div v-for="n in 4" :key="n" class="mk-mc" aria-hidden="true"><span class="mk-sk" style="width:45%"></span><br><span class="mk-sk" style="width:80%"></span></div></template>
        <article v-for="row in status === 'ready' ? rows : []" :key="row.id" class="mk-mc mk-qmc" data-testid="cheque" :data-cheque="row.id" :data-claim="row.claim_no" :class="{'mk-qended': !row.live}">
          <div class="mk-l1"><span v-if="row.tone" class="mk-qdays" :class="'mk-' + row.tone"><b>{{ row.number }}</b></span><span class="mk-grow"><span class="mk-qdue"><bdi class="mk-num" dir="ltr">{{ row.due }}</bdi><span v-if="row.left" class="mk-qleft" :class="'mk-' + row.tone">{{ row.left }}</span></span><span class="mk-ln2">{{ row.weekday }}<template v-if="row.closed"> · {{ row.closed }}</template></span></span><bdi class="mk-num mk-qsum" dir="ltr">{{ row.amount }}</bdi></div>
          <div class="mk-l3"><a class="mk-nm mk-ell mk-grow" :href="row.href" dir="auto">{{ row.name }}</a>${PLATE}</div>
          <div class="mk-ln2 mk-qline">${WAY}<bdi v-if="row.cheque_no" class="mk-num" dir="ltr">{{ row.cheque_no }}</bdi>${NOTES}</div>
          <div class="mk-l4">${CHIP}<span class="mk-sp"></span>${ACTS}</div></article>${NONE}</div>
      <div v-if="status === 'ready'" class="mk-tfoot"><span class="mk-ell" data-testid="range">{{ range }}</span><span class="mk-sp"></span>
        <label class="mk-hide-xs mk-row"><span>{{ texts.size }}</span><select class="mk-size" :value="state.size" data-testid="page-size" @change="go({size: $event.target.value})"><option v-for="n in sizes" :key="n" :value="n">{{ n }}</option></select></label>
        <nav v-if="pages > 1" class="mk-pgr" :aria-label="texts.pages"><button type="button" class="mk-ib mk-sm" :disabled="state.page <= 1" :aria-label="texts.previous" data-testid="page-before" @click="go({page: state.page - 1})"><span class="mk-ic mk-dir" aria-hidden="true">chevron_right</span></button><span class="mk-num">{{ state.page }} / {{ pages }}</span><button type="button" class="mk-ib mk-sm" :disabled="state.page >= pages" :aria-label="texts.next" data-testid="page-after" @click="go({page: state.page + 1})"><span class="mk-ic mk-dir" aria-hidden="true">chevron_left</span></button></nav></div>
      ${DIALOG}<slot></slot>
    </div>`,
  props: {
    state: Object, views: Array, offices: Array, rows: Array, days: Array, pages: Number, status: String, range: String, sums: Array, title: String, narrowed: String, misread: String, months: Object,
    bureau: Boolean, edits: Boolean, sizes: Array, message: Object, answer: Object, texts: Object, week: Array, sides: Array,
  },
  emits: ['go', 'restore', 'again', 'step'],
  data: () => ({compact: false, open: null, chosen: null, reason: '', refusal: '', busy: 0}),
  mounted() {
    this.narrow = matchMedia('(max-width: 1023.98px)');
    this.fit = () => { this.compact = this.narrow.matches; };
    this.fit();
    this.narrow.addEventListener('change', this.fit);
    this.back = () => this.$emit('restore', location.search.slice(1, 500));
    addEventListener('popstate', this.back);
  },
  unmounted() {
    this.narrow.removeEventListener('change', this.fit);
    removeEventListener('popstate', this.back);
  },
  watch: {
    // what was ordered is done, or refused: the reason stands where it was ordered
    'answer.turn'() {
      this.busy = 0;
      if (!this.answer.message) { this.close(); return; }
      this.refusal = this.answer.message;
      const row = this.rows.find((one) => one.id === this.answer.id);
      if (!this.open && row) this.show(row);
    },
  },
  methods: {
    go(wanted) { this.$emit('go', wanted); },
    pick(day) { this.go(day.on ? {month: this.state.month} : {day: day.day}); },
    take(row, step) {
      if (step.waiver || step.reasons.length) { this.ask(row); this.choose(step); } else this.send(row, step);
    },
    ask(row) { this.refusal = ''; this.show(row); },
    show(row) {
      this.open = row;
      this.chosen = null;
      this.reason = '';
      this.$nextTick(() => { if (this.$refs.dialog && !this.$refs.dialog.open) this.$refs.dialog.showModal(); });
    },
    choose(step) {
      if (step.waiver || step.reasons.length) this.chosen = step; else this.send(this.open, step);
    },
    close() { this.open = null; this.chosen = null; this.refusal = ''; },
    send(row, step) {
      if (this.busy) return;
      maakav.ordered();
      this.busy = row.id;
      this.$emit('step', {id: row.id, state: step.state, reason: this.reason, waiver: Boolean(step.waiver)});
      this.reason = '';
    },
  },
};
