// The readings of one device over time, drawn by uPlot and kept up to date by the page's live feed.
(() => {
  const box = document.getElementById('chart');
  const quantity = document.getElementById('chart-reading');
  const span = document.getElementById('chart-span');
  if (!box || !window.uPlot) return;
  const language = document.documentElement.lang || undefined;
  const second = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const minute = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' });
  const fromField = document.getElementById('chart-from'), toField = document.getElementById('chart-to'), own = document.getElementById('chart-own');
  const units = { Cel: '\u00b0C', '[degF]': '\u00b0F' };
  let plot, points = [[], []], unit = '', pending = false, again = false;

  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name);
  // light-dark() is resolved by the browser only on a real property.
  const resolved = name => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    box.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };

  const draw = () => {
    plot?.destroy();
    const text = resolved('--tblr-secondary-color'), line = resolved('--tblr-border-color'), ink = resolved('--signet-accent');
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: `12px ${colour('--tblr-font-sans-serif') || 'sans-serif'}` };
    plot = new uPlot({
      width: box.clientWidth, height: 240, padding: [8, 32, 0, 0], cursor: { y: false }, legend: { live: true },
      scales: { x: { time: true } },
      axes: [{ ...axis, space: 84, values: (_, ticks, __, ___, step) => ticks.map(tick => (step >= 86400 ? day : step < 60 ? second : minute).format(tick * 1000)) }, { ...axis, size: 56 }],
      series: [{ label: box.dataset.time, value: (_, tick) => tick == null ? '' : second.format(tick * 1000) }, { label: quantity.value + (unit ? ` (${unit})` : ''), stroke: ink, width: 2, points: { show: points[0].length < 40 } }],
    }, points, box);
  };

  const load = async () => {
    if (pending) { again = true; return; }
    pending = true;
    try {
      const picked = span.value === 'own' && fromField.value && toField.value;
      if (span.value === 'own' && !picked) return;
      const to = picked ? new Date(toField.value) : new Date(), from = picked ? new Date(fromField.value) : new Date(to - span.value * 60000);
      const query = new URLSearchParams({ reading: quantity.value, from: from.toISOString(), to: new Date(+to + (picked ? 0 : 60000)).toISOString() });
      const answer = await fetch(`/api/v1/devices/${encodeURIComponent(box.dataset.device)}/readings?${query}`, { headers: { Accept: 'application/json' } });
      if (!answer.ok) return;
      const { readings } = await answer.json();
      const number = value => typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null;
      points = [readings.map(r => Date.parse(r.at) / 1000), readings.map(r => number(r.value))];
      const hadUnit = unit;
      unit = units[readings.at(-1)?.unit] ?? readings.at(-1)?.unit ?? '';
      if (plot && hadUnit === unit && plot.series[1].label.startsWith(quantity.value)) plot.setData(points); else draw();
    } catch {
      // The next event tries again; the page says itself when the connection is gone.
    } finally {
      pending = false;
      if (again) { again = false; setTimeout(load, 1000); }
    }
  };

  quantity.addEventListener('change', load);
  // A field of type datetime-local holds the reader's own wall clock.
  const local = date => new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  span.addEventListener('change', () => {
    own.hidden = span.value !== 'own';
    if (!own.hidden && !toField.value) { const now = new Date(); toField.value = local(now); fromField.value = local(new Date(now - 3600000)); }
    load();
  });
  fromField.addEventListener('change', load);
  toField.addEventListener('change', load);
  document.addEventListener('signet:theme', draw);
  document.getElementById('live')?.addEventListener('telemetry', () => { if (span.value !== 'own') load(); });
  new ResizeObserver(() => plot && plot.width !== box.clientWidth && plot.setSize({ width: box.clientWidth, height: 240 })).observe(box);
  load();
})();
