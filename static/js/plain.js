// The plain pages: dark when the system is dark, the eye of a password field, and no form sent twice, nor by a reload of what is shown once.
(() => {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const follow = () => document.body.classList.toggle('body--dark', dark.matches);
  dark.addEventListener('change', follow);
  follow();

  const show = (eye, visible) => {
    const field = document.getElementById(eye.getAttribute('aria-controls'));
    field.type = visible ? 'text' : 'password';
    eye.setAttribute('aria-pressed', visible);
    eye.firstElementChild.textContent = visible ? 'visibility_off' : 'visibility';
  };

  // six boxes over one field: the next one is marked, and what is no digit falls away, also of what is pasted
  const watchCode = (boxes) => {
    const field = boxes.querySelector('input');
    const mark = () => [...boxes.firstElementChild.children].forEach((box, place) => {
      box.classList.toggle('mk-foc', document.activeElement === field && place === Math.min(field.value.length, 5));
    });
    boxes.classList.add('mk-marked');
    field.addEventListener('input', () => {
      const digits = field.value.replace(/\D/g, '').slice(0, 6);
      if (field.value !== digits) field.value = digits;
      mark();
    });
    field.addEventListener('focus', mark);
    field.addEventListener('blur', mark);
    mark();
  };

  document.addEventListener('DOMContentLoaded', () => {
    for (const eye of document.querySelectorAll('[data-eye]')) {
      eye.hidden = false;
      eye.addEventListener('click', () => show(eye, eye.getAttribute('aria-pressed') !== 'true'));
    }
    for (const copier of document.querySelectorAll('[data-copy]')) {
      copier.hidden = !navigator.clipboard;
      copier.addEventListener('click', async () => {
        await navigator.clipboard.writeText(copier.dataset.copy);
        copier.lastElementChild.textContent = copier.dataset.copied;
      });
    }
    for (const boxes of document.querySelectorAll('[data-code]')) watchCode(boxes);
    for (const page of document.querySelectorAll('[data-here]')) history.replaceState(null, '', page.dataset.here);
    for (const printer of document.querySelectorAll('[data-print]')) printer.addEventListener('click', () => print());
  });

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'true';
    form.querySelectorAll('[data-eye]').forEach((eye) => show(eye, false));
    form.querySelectorAll('[type=submit]').forEach((button) => button.setAttribute('aria-disabled', 'true'));
  });

  // back from the next page: the form may be sent again
  addEventListener('pageshow', () => {
    for (const form of document.forms) {
      delete form.dataset.sent;
      form.querySelectorAll('[type=submit]').forEach((button) => button.removeAttribute('aria-disabled'));
    }
  });
})();
