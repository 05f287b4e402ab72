// The plain pages: dark when the system is dark, the eye of a password field, and no form sent twice.
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

  document.addEventListener('DOMContentLoaded', () => {
    for (const eye of document.querySelectorAll('[data-eye]')) {
      eye.hidden = false;
      eye.addEventListener('click', () => show(eye, eye.getAttribute('aria-pressed') !== 'true'));
    }
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
