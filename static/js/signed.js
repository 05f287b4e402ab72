// The pages of signed links: the insured's one stays up to date by itself and sends what is asked for, the garage's one sends photos. Without, both still show and the buttons work.
(() => {
  'use strict';
  const live = document.querySelector('[data-live]');

  async function pageNow() {
    const answer = await fetch(location.pathname, {cache: 'no-store'});
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), 'text/html') : location.reload();
  }

  // while files are on their way the page stays as it is
  let sending = 0;

  async function lookAgain() {
    if (sending) return;
    const page = await pageNow();
    if (!page) return;
    const fresh = page.getElementById('signed');
    if (fresh) document.getElementById('signed').replaceWith(document.adoptNode(fresh));
  }

  function listen() {
    const stream = new EventSource(`${live.dataset.live}?seen=${document.getElementById('signed').dataset.seen}`);
    stream.addEventListener('open', () => { live.dataset.connected = 'true'; });
    stream.addEventListener('changed', () => lookAgain().catch(() => {}));
    stream.addEventListener('over', () => { stream.close(); location.reload(); });
    // the browser itself tries again, unless it was refused: there was no room
    stream.addEventListener('error', () => { if (stream.readyState === EventSource.CLOSED) setTimeout(() => { lookAgain().catch(() => {}); listen(); }, 30000); });
  }

  function watchPhotos(box) {
    const told = box.querySelector('[data-told]');
    const input = box.querySelector('input[type=file]');
    const tell = (text) => { told.textContent = text; };
    const {limits, said} = JSON.parse(box.dataset.photos);
    input.addEventListener('change', async () => {
      const files = [...input.files];
      input.disabled = true;
      const refused = await maakav.sendPhotos(files, `${location.pathname}/photo`, {headers: {}, limits, said, tell});
      if (!refused.length) {
        location.replace(`${location.pathname}?said=photo`);
        return;
      }
      const arrived = said.arrived.replace('{done}', files.length - refused.length).replace('{all}', files.length);
      const count = await pageNow().then((page) => page.querySelector('[data-told]').textContent).catch(() => '');
      tell([files.length > refused.length ? `${arrived}.` : '', ...refused, count && `${count}.`].filter(Boolean).join(' '));
      input.disabled = false;
      input.value = '';
    });
  }

  async function sendPapers(input) {
    const box = input.closest('[data-papers]'), {type, need} = input.closest('[data-send]').dataset;
    const {limits, said} = JSON.parse(box.dataset.papers), files = [...input.files];
    const tell = (text) => { document.querySelector('[data-papers] [data-told]').textContent = text; };
    const inputs = document.querySelectorAll('[data-papers] input[type=file]');
    sending += 1;
    for (const one of inputs) one.disabled = true;
    const refused = await maakav.sendPhotos(files, `${location.pathname}/document`, {headers: {'X-Document-Type': type, 'X-Document-Need': need}, limits, said, tell});
    sending -= 1;
    for (const one of inputs) { one.disabled = false; one.value = ''; }
    await lookAgain().catch(() => {});
    const arrived = said.arrived.replace('{done}', files.length - refused.length).replace('{all}', files.length);
    tell([`${arrived}.`, ...refused].join('\n'));
  }

  // the page is replaced when the claim changes: listened to here, above it
  document.addEventListener('change', ({target}) => { if (target.closest('[data-send]')) sendPapers(target); });

  if (live) listen();
  for (const box of document.querySelectorAll('[data-photos]')) watchPhotos(box);
})();
