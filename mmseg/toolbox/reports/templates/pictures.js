// Two layers of a picture behind a line that is dragged, and pictures over time.
(() => {
  'use strict';
  const option = (select, name, index) => {
    const node = document.createElement('option');
    node.textContent = name;
    node.value = index;
    select.append(node);
  };

  const chooser = (layers, label, chosen, change) => {
    const select = document.createElement('select');
    select.setAttribute('aria-label', label);
    layers.forEach((layer, index) => option(select, layer.dataset.name, index));
    select.value = chosen;
    select.addEventListener('change', change);
    return select;
  };

  for (const figure of document.querySelectorAll('.compare')) {
    const stage = figure.querySelector('.layers');
    const layers = [...stage.children];
    const range = document.createElement('input');
    Object.assign(range, { type: 'range', min: 0, max: 100, value: 50 });
    const cut = () => {
      figure.style.setProperty('--cut', `${range.value}%`);
      range.setAttribute('aria-valuetext', `${range.value} % ${layers[left.value].dataset.name}, the rest ${layers[right.value].dataset.name}`);
    };
    const show = () => {
      layers.forEach((layer, index) => {
        layer.classList.toggle('left', index === Number(left.value));
        layer.classList.toggle('right', index === Number(right.value));
      });
      stage.append(layers[right.value]); // above the other
      cut();
    };
    const last = layers.length - 1;
    const left = chooser(layers, 'left of the line', last > 1 ? last - 1 : 0, show);
    const right = chooser(layers, 'right of the line', last, show);
    range.setAttribute('aria-label', `line between the two sides of ${figure.querySelector('figcaption').textContent}`);
    range.addEventListener('input', cut);
    const choose = document.createElement('div');
    choose.className = 'choose';
    choose.append(left, right);
    figure.append(range, choose);
    figure.classList.add('ready');
    const drag = (event) => {
      if (event.type === 'pointermove' && !(event.buttons & 1)) return;
      const box = stage.getBoundingClientRect();
      range.value = 100 * (event.clientX - box.left) / box.width;
      cut();
    };
    stage.addEventListener('pointerdown', (event) => { if (event.pointerType === 'mouse') stage.setPointerCapture(event.pointerId); drag(event); });
    stage.addEventListener('pointermove', drag);
    show();
  }

  const strengths = [...document.querySelectorAll('.strength')];
  for (const range of strengths) {
    range.addEventListener('input', () => {
      document.documentElement.style.setProperty('--strength', range.value / 100);
      for (const other of strengths) other.value = range.value;
    });
  }

  for (const film of document.querySelectorAll('.film')) {
    const frames = [...film.querySelectorAll('img')];
    const range = film.querySelector('input');
    const show = () => {
      frames.forEach((frame, index) => frame.classList.toggle('on', index === Number(range.value)));
      const text = `iteration ${frames[range.value].dataset.iteration}`;
      film.querySelector('output').textContent = text;
      range.setAttribute('aria-valuetext', text);
    };
    const step = (by) => { range.value = Number(range.value) + by; show(); };
    range.addEventListener('input', show);
    film.querySelector('.back').addEventListener('click', () => step(-1));
    film.querySelector('.next').addEventListener('click', () => step(1));
    show();
  }
})();
