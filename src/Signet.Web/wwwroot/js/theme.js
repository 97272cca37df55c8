// Runs before the first paint: the chosen theme, or the system's. Loaded in the head on purpose.
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const choice = () => { try { return localStorage.getItem('signet-theme') ?? 'auto'; } catch { return 'auto'; } };
  const apply = () => {
    const theme = choice();
    root.dataset.theme = theme;
    root.dataset.bsTheme = theme === 'auto' ? (system.matches ? 'dark' : 'light') : theme;
    document.dispatchEvent(new CustomEvent('signet:theme'));
  };
  root.classList.add('js');
  apply();
  system.addEventListener('change', apply);
  window.addEventListener('storage', apply);
  window.signetTheme = {
    choice,
    next() {
      const order = ['auto', 'light', 'dark'];
      try { localStorage.setItem('signet-theme', order[(order.indexOf(choice()) + 1) % 3]); } catch { /* private mode: the choice lasts as long as the page */ }
      apply();
    },
  };
})();
