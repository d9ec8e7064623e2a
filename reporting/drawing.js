// Pictures: canvases of pixels, networks as columns of units, SVG for the rest.
const fixed = (value, digits = 2) => value.toFixed(digits).replace(/^-(?=.*[1-9])/, "\u2212").replace(/^-/, "");
const percent = (share) => `${fixed(100 * share, 1)}\u00a0%`;
function paint(canvas, pixels, width = size) { // an [r, g, b] each
  [canvas.width, canvas.height] = [width, pixels.length / width];
  const bytes = Uint8ClampedArray.from(pixels.flatMap((rgb) => [...rgb, 255]));
  canvas.getContext("2d").putImageData(new ImageData(bytes, width), 0, 0);
}

function paintImage(canvas, image) { // in colour if it has three channels, else the first
  const area = size * size, bands = channels === 3 ? [0, area, 2 * area] : [0, 0, 0];
  paint(canvas, times(area, (i) => bands.map((start) => image[start + i])));
}

let signs; // the colours of 0, above and below, read anew when the theme changes
function paintSigned(canvas, values, peak, width) { // the stronger the further from 0
  signs ??= ["--zero", "--plus", "--minus"].map((name) => getComputedStyle(byId("playground")).getPropertyValue(name)
    .match(/\w\w/g).map((part) => parseInt(part, 16)));
  const [zero, plus, minus] = signs;
  const mixed = (end, share) => zero.map((from, band) => from + (end[band] - from) * Math.min(share, 1));
  paint(canvas, Array.from(values, (value) => mixed(value > 0 ? plus : minus, Math.abs(value) / (peak || 1))), width);
}
const firstChannel = (values) => values.slice(0, size * size);
const peakOf = (units) => Math.max(...units.map((weights) => Math.max(...weights.map(Math.abs))));

// ---- A network: the picture that it gets, then a column of units for each layer
const NAMES = {
  none: "no activation", sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU", leaky_relu: "leaky ReLU", prelu: "PReLU",
};
const ROW = 62; // pixels from one unit to the next

// What is to be said of a unit: dead or off with ReLU; with a leak, that it leaks.
function note(net, layer, sum, silent) {
  if (layer === net.layers.length - 1 || sum > 0) return "";
  if (net.activation === "relu") return silent ? "dead" : "off";
  return ["leaky_relu", "prelu"].includes(net.activation) ? `${silent ? "only " : ""}leaks` : "";
}

const MEANINGS = {
  dead: "Dead: it is 0 for every pattern. So no gradient reaches its weights, and they stay as they are.",
  off: "Off: it passes on nothing about this picture.",
  leaks: "Below 0 it passes on a little, so its weights can still learn from this picture.",
  "only leaks": "Its sum is below 0 for every pattern: a ReLU would be dead. The leak lets its weights move.",
};
function explained(net, { sums, values }, layer, unit, word) {
  const weights = net.layers[layer][unit], value = values[layer + 1][unit], isLast = layer === net.layers.length - 1;
  const terms = Array.from(weights, (weight, i) => `${fixed(values[layer][i])} \u00d7 ${fixed(weight)}`);
  const made = layer ? terms.join(" + ") : `${weights.length} pixels times ${weights.length} weights, added up,`;
  const after = isLast ? `The sigmoid makes it ${fixed(value, 3)}: the probability of ${data.classes[1]}.`
    : net.activation === "none" ? "Nothing follows, so it is passed on as it is."
      : `After ${NAMES[net.activation]}: ${fixed(value)}.`;
  const name = isLast ? "output" : `hidden ${layer}, unit ${unit}`;
  return `${name}: ${made} = ${fixed(sums[layer][unit])}. ${after} ${MEANINGS[word] ?? ""}`;
}

// Build from what the page has as templates: a column for each layer, with its units.
function buildNet(holder, net) {
  const shown = net.layers.map((units) => Math.min(units.length, data.units));
  const [whole, column, button] = ["net", "layer", "unit"].map((name) => byId(`${name}-template`).content);
  holder.replaceChildren(whole.cloneNode(true));
  const grid = holder.querySelector(".columns-of-units"), height = ROW * Math.max(2, ...shown);
  grid.style.setProperty("--columns", shown.length + 1);
  grid.style.setProperty("--height", `${height}px`);
  holder.querySelector("svg").setAttribute("viewBox", `0 0 100 ${height}`);
  shown.forEach((n, layer) => {
    const isLast = layer === shown.length - 1, more = net.layers[layer].length - n, to = column.cloneNode(true);
    const [name, follows] = to.querySelectorAll(".head > *"), activation = NAMES[isLast ? "sigmoid" : net.activation];
    [name.textContent, follows.textContent] = [isLast ? "output" : `hidden ${layer}`, activation];
    if (more) follows.textContent += `, ${more} units more`;
    times(n, (unit) => {
      const made = button.cloneNode(true).firstElementChild;
      Object.assign(made.dataset, { layer, unit });
      made.tabIndex = unit ? -1 : 0; // Tab goes from layer to layer, the arrows to each unit
      to.querySelector(".units").append(made);
    });
    grid.append(to);
  });
}

const pictured = new Map(); // where a network is drawn -> the network, and the values in it
const HINT = "Point at a unit or tap it, or use Tab and the arrow keys, to see how its number comes about.";

// Draw a network and what it makes of a picture; the units stay the same elements while it trains.
function showNet(holder, net, image, peaks = net.layers.map(peakOf)) {
  const shape = `${net.layers.map((units) => units.length)} ${net.activation}`;
  if (holder.dataset.shape !== shape) buildNet(holder, net);
  holder.dataset.shape = shape;
  const trace = forward(net, seenAs(image)), { sums, values } = trace, silent = silentUnits(net);
  const last = net.layers.length - 1, answer = verdict(trace.probability);
  paintImage(holder.querySelector(".input"), image);
  for (const button of holder.querySelectorAll(".unit")) {
    const [layer, unit] = [button.dataset.layer, button.dataset.unit].map(Number), weights = net.layers[layer][unit];
    const word = note(net, layer, sums[layer][unit], silent[layer]?.[unit]);
    const [canvas, number, small] = button.querySelectorAll("canvas, b, small");
    paintSigned(canvas, layer ? weights : firstChannel(weights), peaks[layer], layer ? 1 : size);
    canvas.className = layer ? "strip" : "";
    number.textContent = fixed(values[layer + 1][unit], layer === last ? 3 : 2);
    small.textContent = layer === last ? answer : word;
    button.className = `unit ${word}`;
    button.ariaLabel = explained(net, trace, layer, unit, word);
  }
  holder.querySelectorAll(".fold").forEach((fold, layer) => { // what a folded layer says
    const above = values[layer + 1].filter((value) => value > 0).length, n = values[layer + 1].length;
    fold.textContent = layer === last ? `${fixed(trace.probability, 3)}: ${answer}` : `${above} of ${n} units are above 0`;
  });
  pictured.set(holder, [net, values]);
  showLinks(holder, net, values);
  explain(holder);
}

// Lines: from the picture one to each unit, as thick as all its weights; then one for each weight.
function showLinks(holder, net, values) {
  const svg = holder.querySelector("svg"), height = svg.viewBox.baseVal.height, { active } = holder.dataset;
  const shown = [[0], ...net.layers.map((units) => units.slice(0, data.units))];
  const place = (column, unit) => [(100 * (column + 0.5)) / shown.length,
    height / 2 + (unit - (shown[column].length - 1) / 2) * ROW].join(" ");
  const strength = (weights, layer, from) => (layer ? Math.abs(weights[from]) : Math.hypot(...weights));
  svg.innerHTML = net.layers.map((units, layer) => {
    const most = Math.max(...units.flatMap((weights) => shown[layer].map((_, i) => strength(weights, layer, i))));
    return shown[layer + 1].map((weights, to) => shown[layer].map((_, from) => {
      const away = active && active !== `${layer} ${to}` && active !== `${layer - 1} ${from}`;
      const sign = !layer ? "" : weights[from] > 0 ? "above" : "below", passes = !layer || values[layer][from];
      return `<path d="M${place(layer, from)}L${place(layer + 1, to)}" class="${sign} ${passes ? "" : "nothing"} ${
        away ? "faint-link" : ""}" stroke-width="${0.4 + (6 * strength(weights, layer, from)) / (most || 1)}"/>`;
    }));
  }).flat(2).join("");
}

function explain(holder) { // what is pointed at or focused
  for (const each of holder.querySelectorAll(".unit"))
    each.classList.toggle("active", `${each.dataset.layer} ${each.dataset.unit}` === holder.dataset.active);
  holder.querySelector(".explain").textContent = holder.querySelector(".active")?.ariaLabel ?? HINT;
}

// A layer as a table: weights, their products with the picture, sums, and what follows.
function showTable(table, net, layer, input) {
  const { sums, values } = forward(net, input), x = values[layer], silent = silentUnits(net)[layer] ?? [];
  const units = net.layers[layer], peak = peakOf(units), peaks = [peak, peak * Math.max(...x.map(Math.abs))];
  table.querySelectorAll("tbody tr").forEach((row, unit) => {
    const [before, after, word] = row.querySelectorAll(".number, .note");
    const maps = [units[unit], units[unit].map((weight, i) => weight * x[i])];
    row.querySelectorAll("canvas").forEach((canvas, i) => paintSigned(canvas, firstChannel(maps[i]), peaks[i]));
    [before.textContent, after.textContent] = [sums[layer][unit], values[layer + 1][unit]].map((each) => fixed(each));
    word.textContent = note(net, layer, sums[layer][unit], silent[unit]);
  });
}

// ---- Space and charts
const centre = (points) => [0, 1].map((axis) => mean(points.map((point) => point[axis])));
const at = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const path = (points, kind, more = "") => `<path class="${kind}" d="M${points.map(at).join("L")}${more}"/>`;
const text = (x, y, anchor, words) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;
const SHAPES = ["M-5-5H5V5H-5Z", "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0"];
const mark = (label) =>
  `<svg class="mark class${label}" viewBox="-6 -6 12 12" aria-hidden="true"><path d="${SHAPES[label]}"/></svg>`;
const isWrong = (net, { x, label }) => Number(probability(net, x) > data.threshold) !== label;

// The patterns, and what is drawn now, in a network's last hidden layer; among other points, as
// those of other epochs, for which there must be room, too.
function showCloud(part, net, { among = [], drawn } = {}) {
  const [picture, words] = part.querySelectorAll(".cloud, .said"), turn = part.querySelector(".turn");
  const points = seen.map(({ x }) => represented(net, x)), units = points[0].length;
  const { normal, place } = coordinates(net), n = normal.length, placed = points.map(place);
  const here = drawn && place(represented(net, drawn));
  const [low, high] = box([...placed, ...(here ? [here] : []), ...(units > 3 ? [] : among)]);
  const angle = (state.turn * Math.PI) / 180, tilt = 0.42;
  const project = (point) => {
    const [a, b = 0, c = 0] = point.map((each, i) => (2 * (each - low[i])) / (high[i] - low[i]) - 1);
    if (n < 3) return [225 + 145 * a, 140 - 110 * b];
    const x = a * Math.cos(angle) - b * Math.sin(angle), depth = a * Math.sin(angle) + b * Math.cos(angle);
    return [210 + 105 * x, 145 - 85 * (c * Math.cos(tilt) + depth * Math.sin(tilt))];
  };
  const sides = edges([low, high]), offset = Math.log(data.threshold / (1 - data.threshold));
  const cut = (Number.isFinite(offset) ? crossings(sides, normal, offset) : []).map(project);
  const middle = centre(cut), around = ([x, y]) => Math.atan2(y - middle[1], x - middle[0]);
  cut.sort((a, b) => around(a) - around(b));
  if (cut.length === 1) cut.unshift([cut[0][0], 90], [cut[0][0], 190]); // a point on a line
  const names = units > 3 ? [`towards ${data.classes[1]}`, "aside"] : low.map((_, i) => `unit ${i}`);
  const labels = names.map((name, unit) => { // beside the leftmost edge, or below the lowest
    const along = sides.filter(([a, b]) => a[unit] !== b[unit]), upright = unit && unit === names.length - 1;
    const middles = along.map((ends) => centre(ends.map(project)));
    const [[x, y]] = middles.sort((a, b) => (upright ? a[0] - b[0] : b[1] - a[1]));
    return upright ? text(x - 6, y, "end", name) : text(x, y + 18, "middle", name);
  });
  const piles = new Map(); // patterns at the same place are drawn once, with their number
  seen.forEach((pattern, i) => {
    const place = at(project(placed[i])), wrong = isWrong(net, pattern), key = `${pattern.label} ${place}`;
    const pile = piles.get(key) ?? { ...pattern, place, n: 0, wrong };
    piles.set(key, { ...pile, n: pile.n + 1 });
  });
  const marks = [...piles.values()].map(({ label, place, n, wrong }) => {
    const ring = wrong ? '<circle class="ring" r="10"/>' : "", times = n > 1 ? `\u00d7${n}` : "";
    return `<g transform="translate(${place})"><path class="class${label}" d="${SHAPES[label]}"/>${ring}${
      text(9, label ? -5 : 14, "start", times)}</g>`;
  });
  const you = here ? `<g transform="translate(${at(project(here))})"><path class="you" d="M0-9L8 0L0 9L-8 0Z"/>${
    text(0, -14, "middle", "your picture")}</g>` : "";
  const frame = sides.map((side) => path(side.map(project), "faint"));
  picture.innerHTML = [...frame, cut.length ? path(cut, "plane", "Z") : "", ...marks, ...labels, you].join("");
  turn.hidden = n < 3;

  const deep = net.layers.length > 1, rectified = deep && net.activation === "relu";
  const layer = deep ? `the last hidden layer, hidden\u00a0${net.layers.length - 2}` : "the space of pixels";
  const silent = points.filter((point) => !point.some(Boolean)).length;
  const dead = Object.keys(points[0]).filter((unit) => !points.some((each) => each[unit]));
  words.textContent = [
    `The patterns in ${layer}, ringed if called wrong.`,
    cut.length && `The cut is where the output is ${fixed(data.threshold)}.`,
    units > 3 && `Of ${units} dimensions: the way towards ${data.classes[1]}, and the distance from that way.`,
    rectified && silent && `${silent} of ${seen.length} lie at 0, where all units are off.`,
    rectified && dead.length && `Dead, 0 for every pattern: unit ${dead.join(", ")}.`,
  ].filter(Boolean).join(" ");
}

// Lines of numbers; `kind` is a class of the style sheet. Both axes begin at `from`.
function chart(svg, { x, y, from = [0, 0], lines, dots = [], mark }) {
  const [left, bottom] = from, within = (b) => Math.max(bottom, Math.min(b, y));
  const place = ([a, b]) => [44 + (382 * (a - left)) / (x - left), 186 - (170 * (within(b) - bottom)) / (y - bottom)];
  const tick = (share) => {
    const along = [left + share * (x - left), bottom + share * (y - bottom)], [across, up] = place(along);
    const [below, beside] = along.map((each) => String(Number(each.toPrecision(3))).replace("-", "\u2212"));
    return path([[44, up], [426, up]], "faint") + text(38, up + 4, "end", beside) + text(across, 204, "middle", below);
  };
  svg.innerHTML = [
    ...[0, 0.5, 1].map(tick), mark === undefined ? "" : path([[mark, bottom], [mark, y]].map(place), "axis"),
    ...lines.filter(([points]) => points.length).map(([points, kind]) => path(points.map(place), `line ${kind}`)),
    ...dots.map((dot) => `<circle class="you" r="6" transform="translate(${at(place(dot))})"/>`),
  ].join("");
}
const upTo = (...series) => Math.ceil(10 * Math.max(0.1, ...series.flat())) / 10;
const byEpoch = (values, kind, first = 1) => [values.map((y, i) => [i + first, y]), kind];
