// The readings of one device over time, drawn by uPlot and kept up to date by the page's live feed.
(() => {
  const box = document.getElementById('chart');
  const quantity = document.getElementById('chart-reading');
  const span = document.getElementById('chart-span');
  if (!box || !window.uPlot) return;
  const second = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
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
      width: box.clientWidth, height: 240, cursor: { y: false }, legend: { live: true },
      scales: { x: { time: true } },
      axes: [{ ...axis, values: (_, ticks, __, ___, step) => ticks.map(tick => (step >= 86400 ? day : step < 60 ? second : minute).format(tick * 1000)) }, { ...axis, size: 56 }],
      series: [{ label: 'Time', value: (_, tick) => tick == null ? '' : second.format(tick * 1000) }, { label: quantity.value + (unit ? ` (${unit})` : ''), stroke: ink, width: 2, points: { show: points[0].length < 40 } }],
    }, points, box);
  };

  const load = async () => {
    if (pending) { again = true; return; }
    pending = true;
    try {
      const to = new Date(), from = new Date(to - span.value * 60000);
      const query = new URLSearchParams({ reading: quantity.value, from: from.toISOString(), to: new Date(+to + 60000).toISOString() });
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
  span.addEventListener('change', load);
  document.addEventListener('signet:theme', draw);
  document.getElementById('live')?.addEventListener('telemetry', load);
  new ResizeObserver(() => plot && plot.width !== box.clientWidth && plot.setSize({ width: box.clientWidth, height: 240 })).observe(box);
  load();
})();
