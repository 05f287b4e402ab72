// The pages of signed links: the insured's one stays up to date by itself, the garage's one sends photos. Both work without.
(() => {
  'use strict';
  const live = document.querySelector('[data-live]');

  async function lookAgain() {
    const answer = await fetch(location.pathname, {cache: 'no-store'});
    if (!answer.ok) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
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
    const tooBig = (file) => box.dataset.tooBig.replace('{name}', `\u2068${file.name}\u2069`);
    const send = async (file) => {
      const headers = {'X-File-Name': encodeURIComponent(file.name || 'photo.jpg'), 'Content-Type': 'application/octet-stream'};
      const answer = await fetch(`${location.pathname}/photo`, {method: 'POST', body: file, headers});
      if (answer.status === 413) throw new Error(tooBig(file));
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || box.dataset.failed);
    };
    input.addEventListener('change', async () => {
      const files = [...input.files];
      const big = files.find((file) => file.size > Number(box.dataset.most));
      input.disabled = true;
      try {
        if (big) throw new Error(tooBig(big));
        for (const [place, file] of files.entries()) {
          told.textContent = box.dataset.sending.replace('{n}', place + 1).replace('{all}', files.length);
          await send(file);
        }
        location.replace(`${location.pathname}?said=photo`);
      } catch (error) {
        told.textContent = error instanceof TypeError ? box.dataset.failed : error.message;
        input.disabled = false;
        input.value = '';
      }
    });
  }

  if (live) listen();
  for (const box of document.querySelectorAll('[data-photos]')) watchPhotos(box);
})();
