// Small conveniences; every page works without them.
(() => {
  const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  // The reader's own region where it speaks the page's language (en-GB), else the page's language alone.
  const language = navigator.languages.find(one => one.startsWith(document.documentElement.lang)) ?? document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'narrow' });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });

  const since = date => {
    const seconds = (date - Date.now()) / 1000;
    for (const [unit, size] of units) if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
    return relative.format(0, 'second');
  };

  // Times in the reader's zone; the exact UTC stays in the title.
  const showTimes = scope => {
    for (const element of scope.querySelectorAll('time[datetime]')) {
      const date = new Date(element.dateTime);
      const text = element.classList.contains('since') ? since(date) : exact.format(date);
      if (element.textContent !== text) element.textContent = text;
    }
  };

  const showTheme = () => {
    for (const label of document.querySelectorAll('[data-theme-label]')) label.textContent = label.dataset[window.signetTheme.choice()];
  };

  document.addEventListener('click', event => {
    if (event.target.closest('[data-theme-switch]')) { window.signetTheme.next(); showTheme(); }
    const menu = event.target.closest('[data-menu]');
    if (menu) menu.setAttribute('aria-expanded', String(menu.closest('.sidebar').classList.toggle('open')));
    const copy = event.target.closest('[data-copy]');
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.dataset.done = ''; copy.setAttribute('aria-label', document.body.dataset.copied ?? 'Copied'); });
  });

  document.addEventListener('change', event => {
    if (event.target.closest('[data-submit-on-change]')) event.target.form.requestSubmit();
    // Whoever ticks a row wants to know what can be done with it.
    const box = event.target.matches('input[type=checkbox][form]') && event.target.checked ? event.target.form?.closest('details') : null;
    if (box) box.open = true;
  });
  document.addEventListener('submit', event => {
    const question = event.submitter?.dataset.ask ?? event.target.dataset.ask;
    if (question && !window.confirm(question)) event.preventDefault();
  }, true);

  // A lost feed is said aloud: a still page must not look like a quiet house.
  const connection = lost => {
    const sign = document.getElementById('connection');
    if (sign) sign.hidden = !lost;
  };
  document.addEventListener('htmx:sse:error', () => connection(true));
  document.addEventListener('htmx:sse:after:connection', () => connection(false));
  // Signed out meanwhile: the page says so by going to the sign-in page.
  document.addEventListener('htmx:response:error', event => { if (event.detail?.ctx?.response?.status === 401) location.reload(); });

  document.addEventListener('htmx:after:swap', () => showTimes(document));
  setInterval(() => showTimes(document), 5000);
  showTimes(document);
  showTheme();
})();
