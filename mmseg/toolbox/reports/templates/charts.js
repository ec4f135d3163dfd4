// Curves as SVG: one x axis for all panels, a cross at the same iteration, legends that hide runs, equal ranges.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const place = document.getElementById('charts');
  if (!place) return;
  const TALL = 170, LOW = 125, NARROW = 220, LEFT = 44, RIGHT = 8, TOP = 8, BOTTOM = 22, FEW = 12;
  const hidden = new Set();
  const panels = [];
  const whole = [0, 1];
  let view = [0, 1], smoothing = 0;

  const make = (name, attributes = {}, parent = null, text = '') => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };
  const html = (name, parent, text = '', cls = '') => {
    const node = document.createElement(name);
    if (cls) node.className = cls;
    if (text) node.textContent = text;
    parent.append(node);
    return node;
  };
  const colour = (run) => `var(--run${run % 8})`;
  const shown = (value) => {
    if (value === null || value === undefined) return '–';
    const size = Math.abs(value);
    if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2);
    return String(Number(value.toPrecision(4)));
  };

  // A moving average without the pull of its start, as tools/analyze_logs.py --smooth draws it.
  const smooth = (values) => {
    if (!smoothing || values.length < FEW) return values;
    let total = 0, mass = 0;
    return values.map((value) => {
      if (value !== null) {
        total = smoothing * total + (1 - smoothing) * value;
        mass = smoothing * mass + 1 - smoothing;
      }
      return mass ? total / mass : null;
    });
  };

  const steps = (low, high, count) => {
    const raw = (high - low) / Math.max(count, 1);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw) || raw;
    const found = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step) found.push(Number(tick.toPrecision(10)));
    return found;
  };

  const visible = (panel) => panel.lines.filter((line) => !hidden.has(line.run));
  const inside = (x) => x >= view[0] && x <= view[1];
  const extent = (panel) => {
    let low = Infinity, high = -Infinity;
    for (const line of visible(panel)) {
      line.x.forEach((x, i) => {
        const y = line.y[i];
        if (y !== null && inside(x)) { low = Math.min(low, y); high = Math.max(high, y); }
      });
    }
    return low <= high ? [low, high] : null;
  };
  const padded = ([low, high]) => {
    const space = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    return [low >= 0 && low - space < 0 ? 0 : low - space, high + space];
  };
  const range = (panel) => {
    if (document.getElementById('equal').checked) {
      if (panel.group.range) return panel.group.range;
      const all = panel.group.members.map(extent).filter(Boolean);
      if (all.length) return padded([Math.min(...all.map((e) => e[0])), Math.max(...all.map((e) => e[1]))]);
    }
    const own = extent(panel);
    return own ? padded(own) : panel.group.range || [0, 1];
  };

  const trace = (line, values, px, py) => {
    let path = '', drawing = false;
    line.x.forEach((x, i) => {
      const beside = inside(x) || inside(line.x[i - 1]) || inside(line.x[i + 1]) || (line.x[i - 1] < view[0] && x > view[1]);
      if (values[i] === null || !beside) { drawing = false; return; }
      path += `${drawing ? 'L' : 'M'}${px(x).toFixed(1)} ${py(values[i]).toFixed(1)}`;
      drawing = true;
    });
    return path;
  };

  const draw = (panel) => {
    const width = panel.svg.clientWidth;
    if (!width) return;
    panel.height = width < NARROW ? LOW : TALL;
    panel.svg.setAttribute('height', panel.height);
    const { height } = panel;
    const [low, high] = range(panel);
    const px = (x) => LEFT + (x - view[0]) / (view[1] - view[0]) * (width - LEFT - RIGHT);
    const py = (y) => TOP + (high - y) / (high - low) * (height - TOP - BOTTOM);
    Object.assign(panel, { px, py, width });
    panel.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    panel.svg.replaceChildren();
    for (const tick of steps(low, high, 4)) {
      make('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: py(tick), y2: py(tick) }, panel.svg);
      make('text', { x: LEFT - 5, y: py(tick) + 4, 'text-anchor': 'end' }, panel.svg, shown(tick));
    }
    for (const tick of steps(view[0], view[1], Math.max(3, width / 80))) {
      make('text', { x: px(tick), y: height - 6, 'text-anchor': px(tick) > width - 20 ? 'end' : 'middle' }, panel.svg, shown(tick));
    }
    const id = `clip${panel.number}`;
    const clip = make('clipPath', { id }, panel.svg);
    make('rect', { x: LEFT - 3, y: 0, width: Math.max(width - LEFT - RIGHT + 7, 1), height: height - BOTTOM + 3 }, clip);
    const layer = make('g', { 'clip-path': `url(#${id})` }, panel.svg);
    for (const line of visible(panel)) {
      const values = smooth(line.y);
      if (values !== line.y) make('path', { class: 'raw', d: trace(line, line.y, px, py), style: `stroke:${colour(line.run)}` }, layer);
      make('path', { class: 'line', d: trace(line, values, px, py), style: `stroke:${colour(line.run)}` }, layer);
      if (line.x.length >= FEW) continue;
      line.x.forEach((x, i) => {
        if (values[i] !== null && inside(x)) make('circle', { cx: px(x), cy: py(values[i]), r: 2.6, style: `fill:${colour(line.run)}` }, layer);
      });
    }
    panel.over = make('g', {}, panel.svg);
  };
  const drawAll = () => panels.forEach(draw);

  const nearest = (panel, at) => {
    let best = null;
    for (const line of visible(panel)) {
      for (const x of line.x) if (inside(x) && (best === null || Math.abs(x - at) < Math.abs(best - at))) best = x;
    }
    return best;
  };
  const valueAt = (line, at) => {
    let best = null;
    line.x.forEach((x, i) => {
      if (line.y[i] !== null && (best === null || Math.abs(x - at) < Math.abs(line.x[best] - at))) best = i;
    });
    return best;
  };

  const point = (at, from) => {
    for (const panel of panels) {
      if (!panel.over) continue;
      panel.over.replaceChildren();
      panel.tip.hidden = true;
      if (at === null || !inside(at)) continue;
      const x = panel.px(at);
      make('line', { class: 'cross', x1: x, x2: x, y1: TOP, y2: panel.height - BOTTOM }, panel.over);
      if (panel === from) tell(panel, at, x);
    }
  };
  const tell = (panel, at, x) => {
    panel.tip.replaceChildren();
    html('b', panel.tip, `iteration ${at}`);
    for (const line of visible(panel)) {
      const i = valueAt(line, at);
      if (i === null) continue;
      make('circle', { cx: panel.px(line.x[i]), cy: panel.py(smooth(line.y)[i]), r: 3.5, style: `fill:${colour(line.run)}` }, panel.over);
      const row = html('div', panel.tip);
      const name = html('span', row);
      html('span', name, '', 'dot').style.background = colour(line.run);
      name.append(data.runs[line.run]);
      html('b', row, shown(line.y[i]) + (line.x[i] === at ? '' : ` (at ${line.x[i]})`));
    }
    panel.tip.hidden = false;
    const left = x > panel.width / 2 ? x - panel.tip.offsetWidth - 12 : x + 12;
    panel.tip.style.left = `${Math.max(0, Math.min(left, panel.width - panel.tip.offsetWidth))}px`;
    panel.tip.style.top = '30px';
  };

  const zoom = (low, high) => {
    const span = Math.max(high - low, (whole[1] - whole[0]) / 500);
    const start = Math.max(whole[0], Math.min(low, whole[1] - span));
    view = [start, Math.min(whole[1], start + span)];
    point(null);
    drawAll();
  };

  const listen = (panel) => {
    const { svg } = panel;
    const at = (event) => {
      const x = event.clientX - svg.getBoundingClientRect().left;
      return view[0] + (x - LEFT) / (panel.width - LEFT - RIGHT) * (view[1] - view[0]);
    };
    let start = null;
    svg.addEventListener('pointerdown', (event) => {
      start = { x: event.clientX, at: at(event) };
      if (event.pointerType === 'mouse') svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener('pointermove', (event) => {
      panel.cursor = nearest(panel, at(event));
      point(panel.cursor, panel);
      if (start && Math.abs(event.clientX - start.x) > 8) {
        const ends = [panel.px(start.at), panel.px(at(event))].sort((a, b) => a - b);
        make('rect', { class: 'sel', x: ends[0], width: ends[1] - ends[0], y: TOP, height: panel.height - TOP - BOTTOM }, panel.over);
      }
    });
    const end = (event) => {
      if (start && event.type === 'pointerup' && Math.abs(event.clientX - start.x) > 8) zoom(...[start.at, at(event)].sort((a, b) => a - b));
      start = null;
    };
    svg.addEventListener('pointerup', end);
    svg.addEventListener('pointercancel', end);
    svg.addEventListener('pointerleave', () => point(null));
    svg.addEventListener('dblclick', () => zoom(...whole));
    svg.addEventListener('blur', () => point(null));
    svg.addEventListener('keydown', (event) => keys(panel, event));
  };

  const keys = (panel, event) => {
    const xs = [...new Set(visible(panel).flatMap((line) => line.x))].filter(inside).sort((a, b) => a - b);
    if (!xs.length) return;
    const here = panel.cursor === undefined || panel.cursor === null ? -1 : xs.indexOf(nearest(panel, panel.cursor));
    const span = view[1] - view[0];
    const centre = here < 0 ? (view[0] + view[1]) / 2 : xs[here];
    const go = (i) => { panel.cursor = xs[Math.max(0, Math.min(xs.length - 1, i))]; point(panel.cursor, panel); };
    const actions = {
      ArrowLeft: () => go(here < 0 ? xs.length - 1 : here - 1),
      ArrowRight: () => go(here + 1),
      Home: () => go(0),
      End: () => go(xs.length - 1),
      '+': () => zoom(centre - span / 4, centre + span / 4),
      '=': () => zoom(centre - span / 4, centre + span / 4),
      '-': () => zoom(centre - span, centre + span),
      0: () => zoom(...whole),
      Escape: () => point(null),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  };

  const build = () => {
    for (const group of data.curves) {
      const box = html(group.open ? 'div' : 'details', place);
      html(group.open ? 'h3' : 'summary', box, group.heading);
      const grid = html('div', box, '', group.panels.length < 7 ? 'charts few' : 'charts');
      group.members = group.panels;
      for (const panel of group.panels) {
        const figure = html('figure', grid, '', 'chart');
        html('figcaption', figure, panel.name);
        panel.group = group;
        panel.number = panels.length;
        panel.svg = make('svg', { height: TALL, tabindex: 0, role: 'group', 'aria-roledescription': 'chart', 'aria-label': `${panel.name}: arrow keys move, plus and minus zoom` }, figure);
        panel.tip = html('div', figure, '', 'tip');
        panel.tip.setAttribute('role', 'status');
        panel.tip.hidden = true;
        panels.push(panel);
        listen(panel);
      }
      if (!group.open) box.addEventListener('toggle', () => group.members.forEach(draw));
    }
    const xs = panels.flatMap((panel) => panel.lines.flatMap((line) => line.x));
    whole[1] = xs.reduce((a, b) => Math.max(a, b), 1);
    view = [...whole];
  };

  const legend = () => {
    const used = new Set(panels.flatMap((panel) => panel.lines.map((line) => line.run)));
    data.runs.forEach((name, run) => {
      if (!used.has(run)) return;
      const button = html('button', html('li', document.getElementById('runs')));
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      html('span', button, '', 'dot').style.background = colour(run);
      button.append(name);
      button.addEventListener('click', () => {
        if (!hidden.delete(run)) hidden.add(run);
        button.setAttribute('aria-pressed', String(!hidden.has(run)));
        point(null);
        drawAll();
      });
    });
  };

  build();
  legend();
  document.getElementById('equal').addEventListener('change', drawAll);
  document.getElementById('unzoom').addEventListener('click', () => zoom(...whole));
  document.getElementById('smoothing').addEventListener('input', (event) => {
    smoothing = event.target.value / 100;
    drawAll();
  });
  let pending = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(drawAll);
  }).observe(place);
})();
