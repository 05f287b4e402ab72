/* Files on their way to the bureau: three at a time, each with its progress, its reason when it fails, and a note in the
   browser that outlives the page: what was under way when the phone was closed is told when its person is back. */
const AT_ONCE = 3;
const ANSWER_WITHIN = 900;  // ms another tab has to say that it is still sending

function remembered(key) {
  try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; }
}

function remember(key, change) {
  const notes = remembered(key);
  change(notes);
  try {
    if (Object.keys(notes).length) localStorage.setItem(key, JSON.stringify(notes));
    else localStorage.removeItem(key);
  } catch { /* a private window: what fails here is still told as long as the page lives */ }
}

/* What a file probably is, by the words in its name; what says nothing is `free`, and the bureau files it by hand. */
export function kindOf(file, kinds, free) {
  const said = new Set(file.name.replace(/\.[^.]+$/, '').toLocaleLowerCase().replace(/["'״׳]/g, '').match(/\p{L}{2,}/gu) || []);
  let best = {words: 0, type: free};
  for (const kind of kinds) for (const name of kind.names) {
    if (name.length > best.words && name.every((word) => said.has(word))) best = {words: name.length, type: kind.id};
  }
  return best.type;
}

export class UploadQueue {
  /* `address` takes the files whose slot names none; `key` names this person's notes about this claim; `words` say what went wrong; `taken` is what a file must be. */
  constructor({address, key, words, taken}) {
    Object.assign(this, {address, key, words, taken, rows: [], count: 0});
    this.page = Math.random().toString(36).slice(2);
  }

  /* Look for what an earlier page left behind. `arrived` says whether such a file made it after all, later than the newest
     thing that was there (`newest`, by the clock of the bureau) when it was sent. */
  start(arrived, newest = () => '') {
    Object.assign(this, {arrived, newest});
    this.online = () => { for (const row of this.rows) if (row.state === 'held') row.state = 'waiting'; this.pump(); };
    this.leaving = (event) => { if (this.busy) event.preventDefault(); };
    addEventListener('online', this.online);
    addEventListener('beforeunload', this.leaving);
    if (globalThis.BroadcastChannel) {
      this.channel = new BroadcastChannel(this.key);
      this.channel.onmessage = ({data}) => {
        if (data.ask) this.channel.postMessage({alive: this.rows.filter((row) => row.file).map((row) => row.id)});
        else for (const id of data.alive || []) this.others?.add(id);
      };
      this.others = new Set();
      this.channel.postMessage({ask: true});
    }
    setTimeout(() => this.tellLost(), this.channel && Object.keys(remembered(this.key)).length ? ANSWER_WITHIN : 0);
  }

  stop() {
    removeEventListener('online', this.online);
    removeEventListener('beforeunload', this.leaving);
    this.channel?.close();
    for (const row of this.rows) row.request?.abort();
  }

  get busy() { return this.rows.some((row) => ['waiting', 'sending', 'checking', 'held'].includes(row.state)); }

  get done() { return this.rows.filter((row) => ['arrived', 'known'].includes(row.state)).length; }

  clear() { this.rows = this.rows.filter((row) => !['arrived', 'known'].includes(row.state)); }

  tellLost() {
    for (const [id, note] of Object.entries(remembered(this.key))) {
      if (this.others?.has(id) || this.rows.some((row) => row.id === id)) continue;
      this.rows.unshift({id, name: note.name, size: note.size, after: note.after, slot: note.slot, label: note.label, state: 'lost', share: 0, message: this.words.lost, retry: true, file: null, request: null});
    }
    this.settle();
  }

  /* What looked lost may have reached the bureau in the very last moment. */
  settle() {
    for (const row of this.rows) {
      const document = row.state === 'lost' && this.arrived(row);
      if (document) this.finish(row, document.at);
    }
  }

  add(files, slotOf) {
    for (const file of files) {
      const slot = slotOf(file);
      this.count += 1;
      this.rows.unshift({id: `${this.page}-${this.count}`, name: file.name, size: file.size, slot, label: slot.label, state: 'waiting', share: 0, message: '', retry: false, time: '', file, request: null});
      const row = this.rows[0], why = maakav.whyNot(file, this.taken, this.words);  // as the page watches it
      if (why) this.fail(row, why, false);
      else this.note(row);
    }
    this.pump();
  }

  note(row) {
    remember(this.key, (notes) => { notes[row.id] = {name: row.name, size: row.size, slot: row.slot, label: row.label, after: this.newest()}; });
  }

  pump() {
    for (const row of this.rows.filter((waiting) => waiting.state === 'waiting').reverse()) {
      if (this.rows.filter((other) => ['sending', 'checking'].includes(other.state)).length >= AT_ONCE) return;
      this.send(row);
    }
  }

  send(row) {
    const request = new XMLHttpRequest();
    Object.assign(row, {state: 'sending', share: 0, message: '', request});
    request.open('POST', row.slot.address || this.address);
    request.setRequestHeader('X-Maakav-Upload', '1');
    request.setRequestHeader('X-File-Name', encodeURIComponent(row.name));
    request.setRequestHeader('X-Document-Type', row.slot.type);
    if (row.slot.need) request.setRequestHeader('X-Document-Need', String(row.slot.need));
    if (row.slot.replaces) request.setRequestHeader('X-Replaces', row.slot.replaces);
    if (row.slot.message) request.setRequestHeader('X-Message', String(row.slot.message));
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = (event) => { if (event.lengthComputable) row.share = event.loaded / event.total; };
    request.upload.onload = () => { if (row.state === 'sending') Object.assign(row, {state: 'checking', share: 1}); };
    request.onload = () => this.answer(row, request);
    request.onerror = () => {
      if (navigator.onLine === false) Object.assign(row, {state: 'held', message: this.words.held, request: null, retry: true});
      else this.fail(row, this.words.failed, true);
      this.pump();
    };
    request.send(row.file);
  }

  answer(row, request) {
    let said = {};
    try { said = JSON.parse(request.responseText); } catch { /* not ours: told by its status below */ }
    if (request.status === 200 || request.status === 201) {
      row.message = said.told || '';
      this.finish(row, said.received_at, said.added === false);
    } else if (request.status === 401) this.fail(row, this.words.signedOut, true);
    else if (request.status === 413) this.fail(row, said.error || this.words.tooBig, false);
    else this.fail(row, said.error || this.words.failed, request.status >= 500 || request.status === 408 || !said.error);
    this.pump();
  }

  finish(row, at, known = false) {
    const time = new Intl.DateTimeFormat('he-IL', {timeZone: 'Asia/Jerusalem', hour: '2-digit', minute: '2-digit'}).format(new Date(at || Date.now()));
    if (row.state === 'lost') row.message = '';
    Object.assign(row, {state: known ? 'known' : 'arrived', share: 1, time, retry: false, file: null, request: null});
    remember(this.key, (notes) => { delete notes[row.id]; });
  }

  /* What was refused is told once; what did not get through is told again after a reload, until somebody sends or hides it. */
  fail(row, message, again) {
    Object.assign(row, {state: 'failed', message, retry: again, request: null});
    if (!again) remember(this.key, (notes) => { delete notes[row.id]; });
  }

  retry(row) {
    if (!row.file) return false;
    row.state = 'waiting';
    this.note(row);
    this.pump();
    return true;
  }

  dismiss(row) {
    maakav.ordered();
    this.remove(row);
  }

  remove(row) {
    row.request?.abort();
    remember(this.key, (notes) => { delete notes[row.id]; });
    this.rows = this.rows.filter((other) => other.id !== row.id);
    this.pump();
  }
}
