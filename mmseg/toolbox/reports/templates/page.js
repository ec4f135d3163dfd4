// Theme, tables that sort, confusion matrices at the size there is, and the page that follows a training.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const root = document.documentElement;
  const remembered = (key, value) => { // a page from a file may have no storage
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch { /* then it forgets */ }
    return null;
  };

  const THEMES = ['automatic', 'light', 'dark'];
  const button = document.getElementById('theme');
  const paint = (theme) => {
    if (theme === 'automatic') delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    remembered('mmseg-theme', theme);
    drawMatrices();
  };
  button.addEventListener('click', () => {
    paint(THEMES[(THEMES.indexOf(root.dataset.theme || 'automatic') + 1) % THEMES.length]);
  });

  for (const table of document.querySelectorAll('table.sortable')) {
    const heads = [...table.tHead.rows[0].cells].filter((head) => head.dataset.kind);
    for (const head of heads) {
      const sorter = document.createElement('button');
      sorter.type = 'button';
      sorter.append(...head.childNodes);
      head.append(sorter);
      sorter.addEventListener('click', () => sort(table, heads, head));
    }
  }
  const key = (row, column, number) => {
    const cell = row.cells[column];
    if (!number) return cell.textContent.trim().toLowerCase();
    const value = parseFloat(cell.dataset.value ?? cell.textContent);
    return Number.isNaN(value) ? null : value;
  };
  const sort = (table, heads, head) => {
    const number = head.dataset.kind === 'number';
    const before = head.getAttribute('aria-sort');
    const up = before ? before === 'descending' : !number; // numbers: the largest first
    heads.forEach((other) => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const order = (a, b) => {
      const x = key(a, head.cellIndex, number), y = key(b, head.cellIndex, number);
      if (x === null || y === null) return (x === null) - (y === null); // what is not known stays last
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
    };
    const body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.classList.contains('total'));
    body.append(...rows.sort(order));
  };

  const SVG = 'http://www.w3.org/2000/svg';
  const make = (name, attributes, parent, text = '') => {
    const node = document.createElementNS(SVG, name);
    for (const [name_, value] of Object.entries(attributes)) node.setAttribute(name_, value);
    if (text) node.textContent = text;
    parent.append(node);
    return node;
  };
  const shares = (counts, byPredicted) => {
    const sums = counts.map((row, i) => byPredicted ? counts.reduce((sum, other) => sum + other[i], 0) : row.reduce((a, b) => a + b, 0));
    return counts.map((row, i) => row.map((count, j) => {
      const total = sums[byPredicted ? j : i];
      return total ? 100 * count / total : null;
    }));
  };
  const short = (name, width) => {
    const most = Math.max(3, Math.floor(width / 6));
    return name.length > most ? `${name.slice(0, most - 1)}…` : name;
  };

  const drawMatrix = (place) => {
    const { names, counts } = data.confusions[place.dataset.number];
    const width = place.clientWidth;
    if (!width) return;
    const byPredicted = document.getElementById('precision').checked;
    const percent = shares(counts, byPredicted);
    const label = Math.min(120, width * 0.26, 8 + 6.4 * Math.max(...names.map((name) => name.length)));
    const cell = Math.min(40, (width - label - 4) / names.length);
    const size = cell * names.length;
    place.replaceChildren();
    const svg = make('svg', { width: label + size + 4, height: label + size + 4, tabindex: 0, role: 'group', 'aria-label': 'confusion matrix: arrow keys move between cells' }, place);
    const font = Math.max(8, Math.min(11, cell * 0.78));
    names.forEach((name, i) => {
      const middle = label + (i + 0.5) * cell;
      make('text', { x: label - 4, y: middle + font / 3, 'text-anchor': 'end', style: `font-size:${font}px` }, svg, short(name, label));
      make('text', { transform: `translate(${middle + font / 3} ${label - 4}) rotate(-90)`, style: `font-size:${font}px` }, svg, short(name, label));
    });
    percent.forEach((row, i) => row.forEach((value, j) => {
      const strength = value === null ? 0 : value;
      const fill = `color-mix(in srgb, var(--mark) ${strength.toFixed(1)}%, var(--tint))`;
      make('rect', { class: 'cell', x: label + j * cell, y: label + i * cell, width: cell, height: cell, style: `fill:${fill}` }, svg);
      if (value !== null && value >= 1 && cell >= 19) {
        const ink = value > 65 ? 'light-dark(#fff, #10151c)' : 'var(--ink)';
        make('text', { x: label + (j + 0.5) * cell, y: label + (i + 0.5) * cell + 4, 'text-anchor': 'middle', style: `fill:${ink};font-size:${Math.min(11, cell * 0.5)}px` }, svg, value.toFixed(0));
      }
    }));
    const mark = make('rect', { class: 'at', width: cell, height: cell, visibility: 'hidden' }, svg);
    const said = document.createElement('p');
    said.className = 'said soft';
    said.setAttribute('role', 'status');
    place.append(said);
    let at = [0, 0];
    const go = (i, j) => {
      at = [i, j].map((n) => Math.max(0, Math.min(names.length - 1, n)));
      const [row, column] = at;
      mark.setAttribute('x', label + column * cell);
      mark.setAttribute('y', label + row * cell);
      mark.setAttribute('visibility', 'visible');
      const value = percent[row][column];
      const whose = byPredicted ? `pixels predicted as ${names[column]}` : `${names[row]} pixels`;
      const what = row === column ? `${names[row]} predicted right` : `${names[row]} taken for ${names[column]}`;
      said.textContent = value === null ? `${what}: no pixels` : `${what}: ${value.toFixed(1)} % of all ${whose} (${counts[row][column].toLocaleString('en')})`;
    };
    const under = (event) => {
      const box = svg.getBoundingClientRect();
      const j = Math.floor((event.clientX - box.left - label) / cell), i = Math.floor((event.clientY - box.top - label) / cell);
      if (i >= 0 && j >= 0 && i < names.length && j < names.length) go(i, j);
    };
    svg.addEventListener('pointermove', under);
    svg.addEventListener('pointerdown', under);
    svg.addEventListener('keydown', (event) => {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      if (mark.getAttribute('visibility') === 'hidden') go(0, 0);
      else go(at[0] + move[0], at[1] + move[1]);
    });
  };
  const matrices = [...document.querySelectorAll('.matrix')];
  const drawMatrices = () => matrices.forEach(drawMatrix);
  if (matrices.length) {
    document.getElementById('precision').addEventListener('change', drawMatrices);
    const widths = new Map();
    const watcher = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        if (widths.get(target) === target.clientWidth) continue; // its own drawing changes the height
        widths.set(target, target.clientWidth);
        requestAnimationFrame(() => drawMatrix(target));
      }
    });
    matrices.forEach((place) => watcher.observe(place));
  }
  paint(THEMES.includes(remembered('mmseg-theme')) ? remembered('mmseg-theme') : 'automatic');

  const version = document.body.dataset.version;
  if (version && location.protocol.startsWith('http')) {
    const state = document.getElementById('state');
    const ask = async () => {
      try {
        const answer = await fetch('version', { cache: 'no-store' });
        if (answer.ok && await answer.text() !== version) { location.reload(); return; }
        state.textContent = 'Follows the runs.';
      } catch {
        state.textContent = 'The program that serves this page has ended.';
      }
      setTimeout(ask, 3000);
    };
    setTimeout(ask, 3000);
  }
})();
