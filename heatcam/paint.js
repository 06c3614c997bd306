// The panel of heatcam.paint: it shows an image and its mask, and tells Python what was drawn, in the image's own pixels.
// Python draws the mask and keeps it; what comes back is shown. So nothing is kept here but a polygon that is not closed yet.

const TOOLS = {
  box: ['Box', 'b', 'drag from corner to corner'],
  polygon: ['Polygon', 'p', 'click the corners; double-click, Enter or the first corner closes it, Escape drops it'],
  brush: ['Brush', 'r', 'paint inside'],
  eraser: ['Eraser', 'e', 'paint outside'],
};
const FILLS = {
  outside: ['All outside', 'o', 'nothing in this image may be looked at', 0],
  inside: ['All inside', 'i', 'everything in this image may be looked at', 1],
  unknown: ["Don't know", 'd', 'not annotated, and done', 255],
};

function make(tag, name, parent, props = {}) {
  const o = Object.assign(document.createElement(tag), props);
  if (name) o.className = name;
  if (parent) parent.appendChild(o);
  return o;
}

function button(parent, text, key, tip, act) {
  const o = make('button', '', parent, {type: 'button', textContent: text, title: `${tip} (${key})`});
  o.setAttribute('aria-label', /\w/.test(text) ? `${text}: ${tip}` : tip);
  o.onclick = () => { if (o.getAttribute('aria-disabled') !== 'true') act() };
  return o;
}

const able = (o, yes) => o.setAttribute('aria-disabled', String(!yes));  // `disabled` would lose the focus, and so the keys

async function bitmap(bytes) {
  return createImageBitmap(new Blob([bytes], {type: 'image/*'}), {colorSpaceConversion: 'none', premultiplyAlpha: 'none'});
}

const NO_MASK = {inside: null, fill: null, edge: new Path2D()};

// The codes of a mask's PNG: its palette paints 0 black, 255 grey, and all that is inside in blue.
async function readMask(bytes) {
  if (!bytes || !bytes.byteLength) return NO_MASK;
  const png = await bitmap(bytes), [w, h] = [png.width, png.height];
  const fill = make('canvas', '', null, {width: w, height: h}), ctx = fill.getContext('2d', {willReadFrequently: true});
  ctx.drawImage(png, 0, 0);
  const data = ctx.getImageData(0, 0, w, h), px = new Uint32Array(data.data.buffer), inside = new Uint8Array(w*h);
  for (let i = 0; i < w*h; i++) {
    const [r, b] = [px[i] & 255, px[i] >>> 16 & 255];
    inside[i] = r !== b;
    px[i] = r !== b ? 0x40b27200 : r && (i%w + (i/w | 0)) & 2 ? 0x60808080 : 0;  // AABBGGRR; not annotated: striped
  }
  ctx.putImageData(data, 0, 0);
  return {inside, fill, edge: outline(inside, w, h)};
}

function outline(on, w, h) {
  const path = new Path2D(), at = (x, y) => x >= 0 && y >= 0 && x < w && y < h && on[y*w + x];
  for (let y = 0; y <= h; y++) for (let x = 0, from = -1; x <= w; x++) {  // along the rows, in runs
    const rim = x < w && at(x, y) !== at(x, y - 1) && (at(x, y) || at(x, y - 1));
    if (rim && from < 0) from = x;
    if (!rim && from >= 0) { path.moveTo(from, y); path.lineTo(x, y); from = -1 }
  }
  for (let x = 0; x <= w; x++) for (let y = 0, from = -1; y <= h; y++) {
    const rim = y < h && at(x, y) !== at(x - 1, y) && (at(x, y) || at(x - 1, y));
    if (rim && from < 0) from = y;
    if (!rim && from >= 0) { path.moveTo(x, from); path.lineTo(x, y); from = -1 }
  }
  return path;
}

function render({model, el}) {
  const root = make('div', 'hp' + (model.get('whole_page') ? ' hp-page' : ''), el, {tabIndex: 0});
  root.setAttribute('role', 'application');
  root.setAttribute('aria-label', 'Paint where the model may look');
  root.dataset.lmSuppressShortcuts = 'true';  // b, d and z mean something else to JupyterLab
  const view = () => model.get('view');
  if (view().alert) return void (make('div', 'hp-error', root).textContent = view().alert);
  let tool = 'box', share = 1/12;  // the brush's width, of the image's shorter side
  let mark = null, corners = [], last = null, hover = null, waiting = [], id = 0;
  let shown = {at: -1}, mask = NO_MASK, turn = 0, room = 0;

  // --- what is there ---
  const head = make('div', 'hp-head', root);
  const back = button(head, '◀', '←', 'previous image', () => go('step', {by: -1}));
  const name = make('div', 'hp-name', head);
  name.setAttribute('aria-live', 'polite');
  const on = button(head, '▶', '→', 'next image', () => go('step', {by: 1}));
  const done = make('div', 'hp-done', head), track = make('i', '', make('div', 'hp-track', done)), count = make('span', 'hp-count', done);
  const tools = make('div', 'hp-tools', root);
  const row = make('div', 'hp-tools4', tools), kinds = {};
  for (const [k, [text, key, tip]] of Object.entries(TOOLS)) kinds[k] = button(row, text, key, tip, () => choose(k));
  const sizes = make('div', 'hp-size', tools);
  button(sizes, '−', '[', 'a smaller brush', () => resize(-1));
  const width = make('output', '', sizes);
  button(sizes, '+', ']', 'a larger brush', () => resize(1));
  const undo = button(sizes, '↶', 'z', 'undo', () => go('undo'));
  const redo = button(sizes, '↷', 'shift-z', 'redo', () => go('redo'));
  const fills = make('div', 'hp-fills', tools);
  for (const [text, key, tip, code] of Object.values(FILLS)) button(fills, text, key, tip, () => fillAll(code));
  const more = make('div', 'hp-more', tools);
  const first = button(more, 'First without a mask', 'f', 'the first image that has no mask yet', () => go('first'));
  const close = button(more, 'Close polygon', 'Enter', 'close the polygon that is being drawn', closePolygon);
  const stage = make('div', 'hp-stage', root), canvas = make('canvas', '', stage, {tabIndex: 0}), ctx = canvas.getContext('2d');
  const spot = make('div', 'hp-spot', stage);
  spot.setAttribute('role', 'status');
  const notes = make('div', 'hp-notes', root), error = make('div', 'hp-error', notes);
  error.setAttribute('role', 'alert');
  make('p', 'hp-quiet', notes, {innerHTML: '<i></i>Blue is inside: where the model may look. The first mark on an image makes all '
    + 'the rest of it outside. Every mark is kept as soon as it is drawn. Without a mouse: Tab to the image, arrow keys move a cross, with Shift by one pixel; '
    + 'Space begins and ends a mark, or sets a corner.'});

  // --- what is told ---
  function tell(what, more = {}) {
    id = Math.max(id + 1, Date.now());
    const op = {do: what, at: view().at, id, ...more};
    waiting.push(op);
    model.send(op);
    setTimeout(() => waiting.includes(op) && say('not kept yet: no answer from Python. If it has ended, start it again: what was kept is there.'), 3000);
    draw();
  }
  function go(what, more) {  // away from a polygon: it is kept if it is one
    if (corners.length) {
      if (what === 'undo') { corners.pop(); return draw() }
      closePolygon();
    }
    tell(what, more);
  }
  function fillAll(code) {
    corners = [];
    tell('fill', {code});
  }
  function choose(k) {
    if (k !== tool) { closePolygon(); mark = null }
    tool = k;
    draw();
  }
  function closePolygon() {
    const points = corners;
    corners = [];
    last = null;
    if (points.length > 2) tell('draw', {tool: 'polygon', points});
    draw();
  }
  const size = (s = share) => 1 + 2*Math.floor(s*Math.min(...view().size)/2);  // odd, so that it has a middle
  function resize(by) {
    const was = size();
    do share = Math.min(1, Math.max(1e-4, share*(by > 0 ? 1.2 : 1/1.2))); while (size() === was && share > 1e-4 && share < 1);
    draw();
  }
  const say = text => { error.textContent = text };

  // --- what is shown ---
  async function show() {
    const v = view(), mine = ++turn;
    waiting = waiting.filter(o => o.id > v.ack);
    if (v.at !== shown.at) { mark = null; corners = []; last = null }
    const [picture, codes] = await Promise.all([
      v.at === shown.at ? shown.picture : model.get('picture').byteLength ? bitmap(model.get('picture')) : null,
      readMask(model.get('mask'))]);
    if (mine !== turn) return;  // there is something newer
    shown = {at: v.at, picture};
    mask = codes;
    name.replaceChildren(make('span', '', null, {textContent: v.name + (v.label ? `, ${v.label} ` : ' ')}),
                         make('span', 'hp-quiet', null, {textContent: `${v.place + 1} of ${v.n}: ${v.says}`}));
    track.style.width = `${100*v.done/v.n}%`;
    count.textContent = `${v.done} of ${v.n} done`;
    for (const [o, yes] of [[back, v.place > 0], [on, v.place < v.n - 1], [redo, v.redo], [first, v.done < v.n]]) able(o, yes);
    say(v.note);
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', `${v.name}: ${v.says}. Arrow keys move a cross, Space marks`);
    root.dataset.ack = v.ack;  // all up to this one can be seen
    fit();
  }
  function fit() {
    const [h, w] = view().size, wide = stage.clientWidth, high = Math.max(260, .86*innerHeight);
    if (!wide || !w) return;
    if (wide < room || wide > room + 20) room = wide;  // not for a scroll bar that comes and goes
    const k = Math.min(room/w, high/h), dpr = window.devicePixelRatio || 1;
    canvas.style.width = `${k*w}px`;
    canvas.style.height = `${k*h}px`;
    [canvas.width, canvas.height] = [Math.round(k*w*dpr), Math.round(k*h*dpr)];
    draw();
  }
  function draw() {
    const [h, w] = view().size, k = canvas.width/w, thin = (window.devicePixelRatio || 1)/k;  // one point on the screen
    for (const [o, b] of Object.entries(kinds)) b.setAttribute('aria-pressed', String(o === tool));
    width.textContent = `${size()} px`;
    close.style.visibility = corners.length ? 'visible' : 'hidden';
    able(close, corners.length > 2);
    able(undo, view().undo || corners.length);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    if (!shown.picture) return;
    ctx.imageSmoothingEnabled = k < 1;  // small images are enlarged pixel by pixel
    ctx.imageSmoothingQuality = 'high';
    ctx.drawImage(shown.picture, 0, 0, canvas.width, canvas.height);
    ctx.imageSmoothingEnabled = false;
    if (mask.fill) ctx.drawImage(mask.fill, 0, 0, canvas.width, canvas.height);
    ctx.setTransform(k, 0, 0, k, 0, 0);
    for (const [color, wide] of [['#0009', 4], ['#00b0ff', 2]]) { ctx.strokeStyle = color; ctx.lineWidth = wide*thin; ctx.stroke(mask.edge) }
    if (mask.fill && /^(not|all) /.test(view().says)) caption(view().says, thin);  // there is no outline to see
    for (const o of waiting) if (o.do === 'draw' && o.at === shown.at) preview(o, thin);
    if (mark) preview(mark, thin);
    if (corners.length) preview({tool: 'polygon', points: hover ? [...corners, hover] : corners}, thin, true);
    if (hover && (tool === 'brush' || tool === 'eraser')) ring(hover, size()/2, thin);
    if (hover && canvas.matches(':focus')) cross(hover, thin);
  }
  function preview({tool, points, size}, thin, open = false) {
    const path = new Path2D(), mid = ([x, y]) => [x + .5, y + .5];
    ctx.lineCap = ctx.lineJoin = 'round';
    if (tool === 'brush' || tool === 'eraser') {
      path.moveTo(...mid(points[0]));
      for (const p of points) path.lineTo(...mid(p));
      ctx.lineWidth = size;
      ctx.strokeStyle = tool === 'brush' ? '#0072b280' : '#ffffff80';
      return ctx.stroke(path);
    }
    if (tool === 'box') {
      const [[a, b], [c, d]] = points;
      path.rect(Math.min(a, c), Math.min(b, d), Math.abs(c - a) + 1, Math.abs(d - b) + 1);
    } else {
      points.forEach((p, i) => i ? path.lineTo(...mid(p)) : path.moveTo(...mid(p)));
      if (!open) path.closePath();
    }
    ctx.fillStyle = '#0072b240';
    ctx.fill(path);
    for (const [color, wide] of [['#000', 3], ['#fff', 1.5]]) { ctx.strokeStyle = color; ctx.lineWidth = wide*thin; ctx.stroke(path) }
    if (open) points.slice(0, corners.length).forEach((p, i) => ring(p, (i ? 3 : 6)*thin, thin));
  }
  function caption(text, thin) {
    const [h, w] = view().size;
    Object.assign(ctx, {font: `600 ${15*thin}px system-ui, sans-serif`, textAlign: 'center', lineWidth: 4*thin, lineJoin: 'round', strokeStyle: '#000', fillStyle: '#4cc8ff'});
    ctx.strokeText(text, w/2, h - 12*thin);
    ctx.fillText(text, w/2, h - 12*thin);
  }
  function cross([x, y], thin) {
    const path = new Path2D();
    for (const [dx, dy] of [[1, 0], [0, 1]]) for (const s of [-1, 1]) {
      path.moveTo(x + .5 + 3*s*dx*thin, y + .5 + 3*s*dy*thin);
      path.lineTo(x + .5 + 14*s*dx*thin, y + .5 + 14*s*dy*thin);
    }
    for (const [color, wide] of [['#000', 4], ['#fff', 2]]) { ctx.strokeStyle = color; ctx.lineWidth = wide*thin; ctx.stroke(path) }
  }
  function ring([x, y], r, thin) {
    for (const [color, wide] of [['#000', 3], ['#fff', 1.5]]) {
      ctx.beginPath();
      ctx.arc(x + .5, y + .5, r, 0, 7);
      ctx.strokeStyle = color;
      ctx.lineWidth = wide*thin;
      ctx.stroke();
    }
  }

  // --- pointer ---
  const at = e => {
    const r = canvas.getBoundingClientRect(), [h, w] = view().size, within = (v, n) => Math.min(n - 1, Math.max(0, Math.floor(v*n)));
    return [within((e.clientX - r.left)/r.width, w), within((e.clientY - r.top)/r.height, h)];
  };
  const near = (e, p, most) => {  // in points on the screen
    const r = canvas.getBoundingClientRect(), [h, w] = view().size;
    return Math.hypot(e.clientX - r.left - (p[0] + .5)*r.width/w, e.clientY - r.top - (p[1] + .5)*r.height/h) < most;
  };
  let down = null;
  canvas.onpointerdown = e => {
    if (e.button || !e.isPrimary || down || !shown.picture) return;  // a palm beside the pen, or a second finger
    e.preventDefault();
    root.focus({preventScroll: true});
    canvas.setPointerCapture(e.pointerId);
    down = e;
    hover = at(e);
    if (tool !== 'polygon') mark = {tool, points: tool === 'box' ? [at(e), at(e)] : [at(e)], size: size()};
    draw();
  };
  canvas.onpointermove = e => {
    if (!e.isPrimary || down && e.pointerId !== down.pointerId) return;
    hover = at(e);
    if (mark && tool === 'box') mark.points[1] = hover;
    else if (mark) for (const o of e.getCoalescedEvents?.().length ? e.getCoalescedEvents() : [e]) {
      const p = at(o), q = mark.points[mark.points.length - 1];
      if (p[0] !== q[0] || p[1] !== q[1]) mark.points.push(p);
    }
    if (mark || corners.length || tool === 'brush' || tool === 'eraser') draw();
  };
  canvas.onpointerup = e => {
    if (e.pointerId !== down?.pointerId) return;
    const moved = Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY), it = mark;
    down = mark = null;
    if (e.pointerType === 'touch') hover = null;
    if (tool === 'polygon') corner(e);
    else if (it && (tool !== 'box' || moved > 4)) tell('draw', it);  // a click is no box
    draw();
  };
  canvas.onpointercancel = e => { if (e.pointerId === down?.pointerId) { down = mark = hover = null; draw() } };
  canvas.oncontextmenu = e => { if (e.pointerType !== 'mouse') e.preventDefault() };  // a finger that rests is drawing
  canvas.onpointerleave = () => { if (!down) { hover = null; draw() } };
  function corner(e) {  // where the pointer leaves the picture, so a finger can still find its place
    const twice = last && e.timeStamp - last.timeStamp < 400 && Math.hypot(e.clientX - last.clientX, e.clientY - last.clientY) < 10;
    const home = corners.length > 2 && near(e, corners[0], 10);
    last = e;
    if (corners.length > 2 && (twice || home)) closePolygon();
    else if (!twice) corners.push(at(e));
  }

  // --- a cross that keys move over the image ---
  const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  function moved(e) {
    const [h, w] = view().size, step = e.shiftKey ? 1 : Math.max(1, Math.round(Math.min(h, w)/32)), [dx, dy] = STEPS[e.key], [x, y] = hover;
    hover = [Math.min(w - 1, Math.max(0, x + step*dx)), Math.min(h - 1, Math.max(0, y + step*dy))];
    spot.textContent = `column ${hover[0]}, row ${hover[1]}`;
    if (mark && tool === 'box') mark.points[1] = hover;
    else if (mark) mark.points.push(hover);
  }
  function pressed() {
    if (tool === 'polygon') return void corners.push(hover);
    const it = mark;
    mark = it ? null : {tool, points: tool === 'box' ? [hover, hover] : [hover], size: size()};
    if (it) tell('draw', it);
  }
  function pointing(e) {  // whether the key was one for the cross
    if (e.target !== canvas || !shown.picture || e.ctrlKey || e.metaKey || e.altKey) return false;
    const [h, w] = view().size;
    hover ??= [w >> 1, h >> 1];
    if (e.key in STEPS) moved(e);
    else if (e.key === ' ') pressed();
    else if (e.key === 'Escape' && mark) mark = null;
    else return false;
    e.preventDefault();
    draw();
    return true;
  }
  canvas.onfocus = draw;
  canvas.onblur = () => { if (!down) mark = null; draw() };

  // --- keys ---
  const KEYS = {'[': () => resize(-1), ']': () => resize(1), '-': () => resize(-1), '+': () => resize(1),
                z: () => undo.click(), Z: () => redo.click(), ArrowLeft: () => back.click(), ArrowRight: () => on.click(), f: () => first.click()};
  for (const [k, [, key]] of Object.entries(TOOLS)) KEYS[key] = () => choose(k);
  for (const [, key, , code] of Object.values(FILLS)) KEYS[key] = () => fillAll(code);
  function key(e) {
    if (!e.ctrlKey && !e.metaKey && !e.altKey) e.stopPropagation();  // x would cut the cell that the panel is in
    if (!down && pointing(e)) return;
    const open = {Enter: closePolygon, Escape: () => { corners = []; draw() }, Backspace: () => { corners.pop(); draw() }};
    const k = e.key.length > 1 ? e.key : e.shiftKey ? e.key.toUpperCase() : e.key.toLowerCase();
    const act = corners.length && open[k] || KEYS[k];
    const other = (e.ctrlKey || e.metaKey) && k.toLowerCase() !== 'z' && !'[]'.includes(k);  // the browser's own, but not AltGr
    if (!act || other || down) return;
    e.preventDefault();
    e.stopPropagation();
    act();
  }
  const anywhere = e => { if (e.target === document.body) key(e) };
  const hold = e => { if (waiting.length || corners.length > 2) e.preventDefault() };
  root.addEventListener('keydown', key);
  if (model.get('whole_page')) document.addEventListener('keydown', anywhere);
  window.addEventListener('beforeunload', hold);
  const watch = new ResizeObserver(fit);
  watch.observe(stage);
  model.on('change:view', show);
  show();
  return () => {
    watch.disconnect();
    model.off('change:view', show);
    document.removeEventListener('keydown', anywhere);
    window.removeEventListener('beforeunload', hold);
  };
}

export default {render};
