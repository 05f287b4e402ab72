/* What a browser finds missing or wrong in a form is said in the language of the page; the browser's own words are in its own. */
(() => {
  'use strict';
  const words = document.currentScript.dataset, told = new Set();

  function wordsFor(field) {
    const {valueMissing, typeMismatch, patternMismatch} = field.validity;
    if (valueMissing) return field.matches('[data-day]') ? words.day : field.matches('select, [type=radio]') ? words.choice : words.missing;
    return typeMismatch ? words.email : patternMismatch ? words.digits : '';
  }

  // what was said once would hold the form back for good: it is found again, or not, when the form is sent again
  function forget() {
    for (const field of told) field.setCustomValidity('');
    told.clear();
  }
  for (const kind of ['click', 'keydown', 'input', 'change']) addEventListener(kind, forget, true);

  addEventListener('invalid', (event) => {
    const field = event.target, wrong = wordsFor(field), said = field.closest('label')?.querySelector('[data-said]');
    if (!wrong) return;
    field.setCustomValidity(wrong);
    if (said) {  // there is a place for it beside the field
      event.preventDefault();
      said.textContent = wrong;
      field.setAttribute('aria-invalid', 'true');
      if (!told.size) field.focus();
    }
    told.add(field);
  }, true);
})();
