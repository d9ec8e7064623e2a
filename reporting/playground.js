// The playground: networks evaluated and trained in the browser, in float64 as the pipeline has it.
// First functions of arrays, then pictures of them, then the state, which stands in the address.
const playground = (() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array, float64: Float64Array };
  const data = JSON.parse(byId("playground-data").textContent, (key, value) => {
    if (!value || value.base64 === undefined) return value;
    const bytes = Uint8Array.from(atob(value.base64), (character) => character.charCodeAt(0));
    return { shape: value.shape, values: new ARRAYS[value.dtype](bytes.buffer) };
  });

  const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  const sum = (values) => values.reduce((total, each) => total + each, 0);
  const mean = (values) => sum(values) / values.length;
  const parts = (all, n) => times(Math.ceil(all.length / n), (i) => all.slice(i * n, (i + 1) * n));
  function dot(a, b) {
    let total = 0;
    for (let i = 0; i < a.length; i++) total += a[i] * b[i];
    return total;
  }

  // ---- Networks: layers of rows, one per unit, and after each but the last an activation
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const SLOPES = { none: 1, relu: 0, leaky_relu: 0.01, prelu: 0.25 }; // below 0; PReLU learns its own
  // What follows a hidden layer: the value at z, and the derivative there.
  const LINES = [(z, slope) => (z > 0 ? z : slope * z), (z, a, slope) => (z > 0 ? 1 : slope)];
  const CURVES = { sigmoid: [sigmoid, (z, a) => a * (1 - a)], tanh: [Math.tanh, (z, a) => 1 - a * a] };
  const rows = ({ shape: [n, length], values }) =>
    times(n, (i) => Float64Array.from(values.subarray(i * length, (i + 1) * length)));
  const network = (activation, layers, slopes = []) =>
    ({ activation, layers, slopes: layers.slice(1).map((_, layer) => slopes[layer] ?? SLOPES[activation]) });

  // The sums that each layer makes, and the values: the input, then what comes out of each layer.
  function forward(net, x) {
    const sums = [], values = [x], [activate] = CURVES[net.activation] ?? LINES;
    net.layers.forEach((units, layer) => {
      const last = layer === net.layers.length - 1, slope = net.slopes[layer];
      sums.push(units.map((weights) => dot(weights, values[layer])));
      values.push(sums[layer].map(last ? sigmoid : (z) => activate(z, slope)));
    });
    return { sums, values, probability: values.at(-1)[0] };
  }

  // Add the gradient of one image's loss, from the last layer to the first.
  function backward(net, { sums, values, probability: p }, label, gradient) {
    const [, derivative] = CURVES[net.activation] ?? LINES;
    let delta = [((p - label) / Math.max(p * (1 - p), 1e-12)) * p * (1 - p)];
    for (let layer = net.layers.length - 1; layer >= 0; layer--) {
      const input = values[layer], back = new Float64Array(input.length);
      net.layers[layer].forEach((weights, unit) => {
        const change = gradient.layers[layer][unit];
        for (let i = 0; i < weights.length; i++) {
          change[i] += delta[unit] * input[i];
          back[i] += delta[unit] * weights[i];
        }
      });
      if (layer === 0) return;
      const z = sums[layer - 1];
      if (net.activation === "prelu")
        gradient.slopes[layer - 1] += sum(z.map((each, i) => Math.min(each, 0) * back[i]));
      delta = z.map((each, i) => back[i] * derivative(each, input[i], net.slopes[layer - 1]));
    }
  }

  // Binary cross-entropy in nats, at most 100 as in PyTorch.
  const loss = (p, label) => -Math.max(label ? Math.log(p) : Math.log1p(-p), -100);

  // ---- Images: bytes, as drawn; a pattern is an image of the data or of all that can be drawn
  const { size, channels } = data, nPixels = channels * size * size;
  const seenAs = (image) => Float64Array.from(image, (level) => data.levels.values[level]);
  const mirrored = (image) => image.map((_, i) => image[i - 2 * (i % size) + size - 1]);
  const patterns = data.patterns.labels.map((label, i) => {
    const image = data.patterns.images.values.slice(i * nPixels, (i + 1) * nPixels);
    const { train, val: validation, population } = data.patterns, x = seenAs(image);
    const counts = { train: train[i], validation: validation[i], population: population[i] };
    return { image, label, x, flipped: mirrored(x), counts };
  });
  const seen = patterns.filter(({ counts }) => counts.train + counts.validation > 0);
  const widest = sum(data.patterns.population) ? "population" : "validation"; // to be judged on
  const restored = ({ activation, weights, slopes }) => network(activation, weights.map(rows), slopes);
  const models = Object.fromEntries(data.models.map((each) => [each.name, restored(each)]));
  const snapshots = data.history.steps.map(restored);

  // Rounded as the pipeline has it, so that last bits break no ties.
  function probability(net, x) {
    const views = data.tta === "hflip" ? [x, mirrored(x)] : [x];
    return Math.round(mean(views.map((view) => forward(net, view).probability)) * 1e9) / 1e9;
  }
  const judged = (net) => patterns.map(({ x }) => probability(net, x));
  const ofEach = (make) => Object.fromEntries(Object.entries(models).map(([name, net]) => [name, make(net)]));
  const probabilities = (image) => ofEach((net) => probability(net, seenAs(image)));
  const answers = ofEach(judged); // of each model to each pattern

  // ---- Judging what was said of each pattern: counts by class and by what it is called
  function confusion(said, where, threshold) {
    const matrix = [[0, 0], [0, 0]];
    patterns.forEach(({ label, counts }, i) => { matrix[label][Number(said[i] > threshold)] += counts[where]; });
    return matrix;
  }
  const rates = ([[tn, fp], [fn, tp]]) => [fp / (fp + tn), tp / (tp + fn)];
  const right = ([[tn, fp], [fn, tp]]) => (tn + tp) / (tn + fp + fn + tp);

  function roc(said, where) {
    const levels = [...new Set(said.filter((_, i) => patterns[i].counts[where]))].sort((a, b) => b - a);
    return [...levels, -1].map((threshold) => rates(confusion(said, where, threshold)));
  }

  // ---- Training: stochastic gradient descent on the lecture's draws, or on those of a seed
  function generator(seed) { // of numbers in [0, 1): mulberry32, by Tommy Ettinger
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  function initial({ activation, hidden, seed }) {
    const { training } = data;
    if (seed === 0 && String(hidden) === String(training.hidden))
      return network(activation, training.initial.weights.map(rows));
    const random = generator(seed || training.seed), sizes = [nPixels, ...hidden];
    const weights = (n) => Float64Array.from({ length: n }, () => (2 * random() - 1) / Math.sqrt(n));
    return network(activation, sizes.map((n, i) => times(sizes[i + 1] ?? 1, () => weights(n))));
  }

  // Which pattern each image of an epoch, counted from 0, shows, and whether mirrored.
  function draws({ seed, balance, flip }, epoch) {
    const { training } = data, n = sum(data.patterns.train);
    if (seed === 0 && epoch < training.n_epochs) {
      const of = ({ values }) => Array.from(values.subarray(epoch * n, (epoch + 1) * n));
      const flips = of(training.flips);
      return of(training.drawn[balance ? "inverse_frequency" : "none"]).map((k, i) => [k, flip && flips[i]]);
    }
    const random = generator((seed || training.seed) * 1000003 + epoch);
    const total = [0, 1].map((label) => sum(patterns.map((each) => (each.label === label) * each.counts.train)));
    let weight = 0;
    const cumulative = patterns.map(({ label, counts }) => (weight += counts.train / (balance ? total[label] : 1)));
    return times(n, () => {
      const number = random() * weight;
      return [cumulative.findIndex((each) => number < each), flip && random() < (training.hflip || 0.5)];
    });
  }

  const accuracy = (net) => right(confusion(judged(net), widest, data.threshold));
  function start(settings) {
    const net = initial(settings);
    return { settings, net, losses: [], valLosses: [], accuracies: [accuracy(net)] };
  }

  function update(net, batch, lr) {
    const layers = net.layers.map((units) => units.map((weights) => new Float64Array(weights.length)));
    const gradient = { layers, slopes: net.slopes.map(() => 0) }, rate = lr / batch.length;
    const losses = batch.map(({ x, label }) => {
      const trace = forward(net, x);
      backward(net, trace, label, gradient);
      return loss(trace.probability, label);
    });
    net.layers.forEach((units, layer) => units.forEach((weights, unit) => {
      for (let i = 0; i < weights.length; i++) weights[i] -= rate * layers[layer][unit][i];
    }));
    net.slopes = net.slopes.map((slope, layer) => slope - rate * gradient.slopes[layer]);
    return mean(losses);
  }

  // One epoch more. Losses are means of batch means, those of training taken before each update.
  function step({ settings, net, losses, valLosses, accuracies }) {
    const images = draws(settings, losses.length).map(([number, flip]) => {
      const { x, flipped, label } = patterns[number];
      return { x: flip ? flipped : x, label };
    });
    losses.push(mean(parts(images, settings.batch).map((batch) => update(net, batch, settings.lr))));
    const byPattern = patterns.map(({ x, label }) => loss(forward(net, x).probability, label));
    const ofVal = Array.from(data.training.val.values, (number) => byPattern[number]);
    valLosses.push(mean(parts(ofVal, settings.batch).map(mean)));
    accuracies.push(accuracy(net));
  }

  function train(settings, epochs) {
    const run = start({ ...lecture(), ...settings });
    while (run.losses.length < epochs) step(run);
    return run;
  }

  // ---- Space: the last hidden layer as a box with points, cut where the output is the threshold
  const represented = (net, x) => Array.from(forward(net, x).values.at(-2), (each) => Math.round(each * 1e6) / 1e6);

  // More than three units are seen from the side, so that the deciding plane is a line: across is
  // how far they are towards diagonal, up is the direction in which they differ most besides.
  function coordinates(net, points) {
    const normal = Array.from(net.layers.at(-1)[0]), unit = (v) => v.map((each) => each / (Math.hypot(...v) || 1));
    if (normal.length <= 3) return { normal, place: (point) => point };
    const across = unit(normal), centre = across.map((_, axis) => mean(points.map((point) => point[axis])));
    const rest = points.map((point) => {
      const from = point.map((each, axis) => each - centre[axis]), along = dot(from, across);
      return from.map((each, axis) => each - along * across[axis]);
    });
    let up = across.map((_, axis) => axis + 1); // to the principal component, by power iteration
    for (let turn = 0; turn < 100; turn++)
      up = unit(up.map((_, axis) => sum(rest.map((each) => dot(each, up) * each[axis]))));
    return { normal: [Math.hypot(...normal), 0], place: (point) => [dot(point, across), dot(point, up)] };
  }

  function box(points) { // its lower and upper ends, around the points with a margin
    const ends = [Math.min, Math.max].map((end) =>
      points[0].map((_, unit) => points.reduce((found, each) => end(found, each[unit]), points[0][unit])));
    const sides = ends[0].map((low, unit) => ends[1][unit] - low), longest = Math.max(...sides) || 1;
    return ends.map((end, sign) =>
      end.map((each, unit) => each + (2 * sign - 1) * 0.12 * Math.max(sides[unit], longest / 4)));
  }

  const edges = ([low, high]) => times(2 ** low.length, (corner) => {
    const at = low.map((each, unit) => (corner & (1 << unit) ? high[unit] : each));
    const free = times(low.length, Number).filter((unit) => !(corner & (1 << unit)));
    return free.map((unit) => [at, at.map((each, i) => (i === unit ? high[i] : each))]);
  }).flat();

  // Where edges cross the plane normal . x = offset.
  const crossings = (sides, normal, offset) => sides.flatMap(([a, b]) => {
    const [from, to] = [a, b].map((end) => dot(end, normal) - offset);
    return from < 0 === to < 0 ? [] : [a.map((each, i) => each + ((b[i] - each) * from) / (from - to))];
  });

  // ---- Pictures: canvases of pixels, SVG for the rest
  const fixed = (value, digits = 2) => value.toFixed(digits).replace(/^-(?=.*[1-9])/, "\u2212").replace(/^-/, "");
  function paint(canvas, pixels) { // an [r, g, b] each
    canvas.width = canvas.height = size;
    const bytes = Uint8ClampedArray.from(pixels.flatMap((rgb) => [...rgb, 255]));
    canvas.getContext("2d").putImageData(new ImageData(bytes, size), 0, 0);
  }

  function paintImage(canvas, image) { // in colour if it has three channels, else the first
    const area = size * size, bands = channels === 3 ? [0, area, 2 * area] : [0, 0, 0];
    paint(canvas, times(area, (i) => bands.map((start) => image[start + i])));
  }

  function paintSigned(canvas, values, peak) { // the first channel, the stronger the further from 0
    const style = getComputedStyle(byId("playground"));
    const [zero, plus, minus] = ["--zero", "--plus", "--minus"].map((name) =>
      style.getPropertyValue(name).match(/\w\w/g).map((part) => parseInt(part, 16)));
    paint(canvas, Array.from(values.slice(0, size * size), (value) => {
      const end = value > 0 ? plus : minus, share = Math.min(Math.abs(value) / (peak || 1), 1);
      return zero.map((from, band) => from + (end[band] - from) * share);
    }));
  }

  const peakOf = (units) => Math.max(...units.map((weights) => Math.max(...weights.map(Math.abs))));
  function showWeights(element, [units]) {
    element.innerHTML = units.slice(0, data.units).map((_, i) =>
      `<figure><canvas role="img" aria-label="its weights"></canvas>unit ${i}</figure>`).join("");
    element.querySelectorAll("canvas").forEach((canvas, i) => paintSigned(canvas, units[i], peakOf(units)));
  }

  const centre = (points) => [0, 1].map((axis) => mean(points.map((point) => point[axis])));
  const at = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const path = (points, kind, more = "") => `<path class="${kind}" d="M${points.map(at).join("L")}${more}"/>`;
  const text = (x, y, anchor, words) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;
  const SHAPES = ["M-5-5H5V5H-5Z", "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0"];
  const RING = '<circle class="ring" r="10"/>';
  const isWrong = (net, { x, label }) => Number(probability(net, x) > data.threshold) !== label;

  // The patterns, and what is drawn now, in a network's last hidden layer; among other points, as
  // those of other epochs, for which there must be room, too.
  function showCloud(part, net, { among = [], drawn } = {}) {
    const [picture, words] = part.querySelectorAll(".cloud, .said"), turn = part.querySelector(".turn");
    const points = seen.map(({ x }) => represented(net, x)), units = points[0].length;
    const { normal, place } = coordinates(net, points), n = normal.length, placed = points.map(place);
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
    const names = units > 3 ? ["towards diagonal", "besides"] : low.map((_, i) => `unit ${i}`);
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
    const marks = [...piles.values()].map(({ label, place, n, wrong }) =>
      `<g transform="translate(${place})"><path class="class${label}" d="${SHAPES[label]}"/>${
        wrong ? RING : ""}${n > 1 ? text(9, label ? -5 : 14, "start", `\u00d7${n}`) : ""}</g>`);
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
      units > 3 && `Of ${units} dimensions: how far towards diagonal, and where patterns differ most besides.`,
      rectified && silent && `${silent} of ${seen.length} lie at 0, where all units are off.`,
      rectified && dead.length && `Dead, 0 for every pattern: unit ${dead.join(", ")}.`,
    ].filter(Boolean).join(" ");
  }

  // Lines of numbers from 0 on; `kind` is a class of the style sheet, with a dash of its training.
  function chart(svg, { x, y, lines, dots = [], mark }) {
    const place = ([a, b]) => [44 + (382 * a) / x, 186 - (170 * Math.min(b, y)) / y];
    const tick = (share) => {
      const [left, top] = place([share * x, share * y]);
      const [below, beside] = [x, y].map((most) => Number((share * most).toPrecision(3)));
      const labels = text(38, top + 4, "end", beside) + text(left, 204, "middle", below);
      return path([[44, top], [426, top]], "faint") + labels;
    };
    svg.innerHTML = [
      ...[0, 0.5, 1].map(tick), mark === undefined ? "" : path([[mark, 0], [mark, y]].map(place), "axis"),
      ...lines.filter(([points]) => points.length).map(([points, kind]) => path(points.map(place), `line ${kind}`)),
      ...dots.map((dot) => `<circle class="you" r="6" transform="translate(${at(place(dot))})"/>`),
    ].join("");
  }
  const upTo = (...series) => Math.ceil(10 * Math.max(0.1, ...series.flat())) / 10;
  const byEpoch = (values, kind, first = 1) => [values.map((y, i) => [i + first, y]), kind];

  // ---- State: one object, read from the address and written into it
  const number = (low, high, whole) => (text) => {
    const value = Number(text);
    return text !== "" && value >= low && value <= high && !(whole && value % 1) ? value : undefined;
  };
  const one = (names) => (text) => (names.includes(text) ? text : undefined);
  const truth = [(text) => ({ 0: false, 1: true })[text], Number];
  const ofUnits = (text) => {
    const units = /^(none)?$/.test(text.trim()) ? [] : text.split(",").map(Number);
    return units.length < 9 && units.every((n) => n % 1 === 0 && n > 0 && n < 257) ? units : undefined;
  };
  const ofImage = (text) => {
    const levels = (text.match(/[0-9a-f]{2}/g) ?? []).map((level) => parseInt(level, 16));
    return levels.length === nPixels ? Uint8Array.from(levels) : undefined;
  };
  const hexadecimal = (image) => Array.from(image, (level) => level.toString(16).padStart(2, "0")).join("");
  const recorded = data.history.epochs; // those that have a snapshot
  const ofEpoch = (text) => { // the snapshot nearest to it
    const epoch = number(0, recorded.at(-1), true)(text), gaps = recorded.map((each) => Math.abs(each - epoch));
    return epoch === undefined ? undefined : gaps.indexOf(Math.min(...gaps));
  };
  const KEYS = { // key -> how it is read, undefined for what cannot be; and how written, if not as it is
    at: [one(["draw", "time", "threshold", "train"])], image: [ofImage, hexadecimal], turn: [number(-180, 180)],
    epoch: [ofEpoch, (place) => recorded[place]], threshold: [number(0, 1)],
    model: [one(Object.keys(models))], where: [one(["validation", widest])],
    lr: [number(1e-4, 100)], batch: [number(1, 1e5, true)], activation: [one(Object.keys({ ...CURVES, ...SLOPES }))],
    hidden: [ofUnits, (units) => units.join(",") || "none"], seed: [number(0, 9, true)],
    epochs: [number(1, 5000, true)], flip: truth, balance: truth, trained: [number(0, 5000, true)],
  };
  const CONTROLS = { ...KEYS, epoch: [Number] }; // its slider counts snapshots
  const written = (key, value, keys = KEYS) => String((keys[key][1] ?? String)(value));

  const lecture = (training = data.training) => training && {
    lr: training.lr, batch: training.batch_size, activation: training.activation, hidden: training.hidden, seed: 0,
    epochs: training.n_epochs, flip: training.hflip > 0, balance: training.balance !== "none", trained: 0,
  };
  const usual = () => ({
    at: "draw", image: (patterns.find(({ label }) => label) ?? patterns[0]).image, turn: 35,
    epoch: recorded.length - 1, threshold: data.threshold, model: data.shown, where: "validation", ...lecture(),
  });

  function read(fragment) {
    const state = usual(), given = [...new URLSearchParams(fragment.slice(1))].filter(([key]) => key in state);
    for (const [key, text] of given) state[key] = KEYS[key][0](text) ?? state[key];
    return state;
  }

  function address() {
    const other = usual(), texts = Object.keys(state).map((key) => [key, written(key, state[key])]);
    const told = texts.filter(([key, text]) => text !== written(key, other[key]));
    return `#${new URLSearchParams(told)}`.replaceAll("%2C", ",");
  }

  const SHOWN_IN = { // what else than the training is set -> the parts that show it
    at: [], image: ["draw"], turn: ["draw", "time", "train"], epoch: ["time"], model: ["threshold"],
    where: ["threshold"], threshold: ["threshold"],
  };
  let state = read(location.hash), waiting;
  function change(changes) {
    Object.assign(state, changes);
    const parts = new Set(Object.keys(changes).flatMap((key) => SHOWN_IN[key] ?? ["train"]));
    [...[...parts].map((part) => show[part]), fill].forEach((each) => each?.());
    clearTimeout(waiting); // browsers refuse an address that changes too often
    waiting = setTimeout(() => history.replaceState(null, "", address()), 200);
  }

  const find = (selector) => [...document.querySelectorAll(`#playground ${selector}`)];
  function fill() { // what cannot be used is kept to be put right, and until then nothing is trained
    const controls = find("[name]"), isFaulty = (control) => control.validity.customError;
    for (const control of controls) {
      if (control.type === "checkbox") control.checked = state[control.name];
      else if (!isFaulty(control)) control.value = written(control.name, state[control.name], CONTROLS);
      if (control.type === "text") control.ariaInvalid = isFaulty(control);
    }
    const faults = controls.filter(isFaulty).map(({ labels: [label], value, title }) =>
      `${label.textContent.trim()}: \u201c${value}\u201d cannot be used. ${title}.`);
    find("#train-faults").forEach((words) => { words.textContent = faults.join(" "); });
    find("#train :is([data-do=play], [data-do=step])").forEach((button) => { button.disabled = faults.length > 0; });
  }
  const forgetFaults = () => find("input").forEach((control) => control.setCustomValidity(""));
  const announce = (part, words) => { // which nobody wants to hear again and again while it plays
    const status = byId(part).querySelector("[role=status]");
    [status.ariaLive, status.textContent] = [player?.part === part ? "off" : "polite", words];
  };

  // ---- What each part shows of the state
  const verdict = (p) => (p > data.threshold ? "diagonal" : p === data.threshold ? "undecided" : "straight");
  const pixels = find("#draw-grid button"), cards = find("#draw article"), verdicts = find("#draw-verdicts p");
  const among = snapshots.flatMap((net) => seen.map(({ x }) => represented(net, x)));
  let run;

  function showUnits(table, units, layer, net, { sums, values }) {
    const rectified = layer < net.layers.length - 1 && net.activation === "relu", x = values[layer];
    const others = rectified ? seen.map((each) => forward(net, each.x).values[layer + 1]) : [];
    const peak = peakOf(units), peaks = [peak, peak * Math.max(...x.map(Math.abs))];
    table.querySelectorAll("tbody tr").forEach((row, unit) => {
      const value = values[layer + 1][unit], [before, after, note] = row.querySelectorAll(".number, .note");
      const maps = [units[unit], units[unit].map((weight, i) => weight * x[i])];
      row.querySelectorAll("canvas").forEach((canvas, i) => paintSigned(canvas, maps[i], peaks[i]));
      [before.textContent, after.textContent] = [sums[layer][unit], value].map((each) => fixed(each));
      note.textContent = !rectified || value ? "" : others.some((each) => each[unit]) ? "off" : "dead";
    });
  }

  const spoken = (loss, valLoss) =>
    loss === undefined ? "before training" : `loss ${fixed(loss, 6)}, validation loss ${fixed(valLoss, 6)}`;
  const show = {
    draw() {
      pixels.forEach((pixel, i) => {
        pixel.style.background = `rgb(${state.image[i]}, ${state.image[i]}, ${state.image[i]})`;
        pixel.ariaPressed = state.image[i] > 0;
      });
      find("#draw-patterns button").forEach((thumb, i) => {
        thumb.ariaPressed = String(patterns[i].image) === String(state.image);
      });
      const x = seenAs(state.image);
      data.models.forEach(({ name, together }, i) => {
        const net = models[name], trace = forward(net, x), p = probability(net, x);
        const [called, exact, bar, limit] = verdicts[i].querySelectorAll("span, small, .bar *");
        [called.textContent, exact.textContent] = [verdict(p), `(P(diagonal) = ${fixed(p, 3)})`];
        bar.style.width = `${100 * p}%`;
        limit.style.left = `${100 * data.threshold}%`;
        const tables = [...cards[i].querySelectorAll("table")], one = network("none", [rows(together)]);
        if (tables.length > net.layers.length) showUnits(tables.shift(), one.layers[0], 0, one, forward(one, x));
        tables.forEach((table, layer) => showUnits(table, net.layers[layer], layer, net, trace));
      });
      showCloud(byId("draw"), models[data.shown], { drawn: x });
    },

    time() {
      const net = snapshots[state.epoch], { epochs, loss, val_loss: valLoss } = data.history;
      const epoch = epochs[state.epoch], last = epochs.at(-1), now = [loss, valLoss].map((each) => each[epoch - 1]);
      byId("time").querySelector("[name=epoch]").ariaValueText = epoch;
      const wrong = seen.filter((pattern) => isWrong(net, pattern)).length;
      byId("time").querySelector("output").textContent = `${epoch} of ${last}`;
      announce("time", `Epoch ${epoch}: ${spoken(...now)}; ${wrong} of ${seen.length} patterns called wrong.`);
      showCloud(byId("time"), net, { among });
      chart(byId("time-losses"), {
        x: last, y: upTo(loss, valLoss), lines: [byEpoch(loss, "training"), byEpoch(valLoss, "validation")],
        mark: epoch, dots: epoch ? now.map((each) => [epoch, each]) : [],
      });
      showWeights(byId("time-weights"), net.layers);
    },

    threshold() {
      const { model, where, threshold } = state, said = answers[model], matrix = confusion(said, where, threshold);
      const [fpr, tpr] = rates(matrix), share = (value) => `${fixed(100 * value, 1)} %`;
      byId("threshold").querySelector("output").textContent = fixed(threshold, 3);
      announce("threshold", `${share(right(matrix))} right: ${share(tpr)} of the diagonals found, ${
        share(fpr)} of the straight lines taken for diagonals.`);
      chart(byId("threshold-roc"), {
        x: 1, y: 1, dots: [[fpr, tpr]],
        lines: Object.keys(models).map((name, i) =>
          [roc(answers[name], where), `model${i} ${name === model ? "chosen" : ""}`]),
      });
      find(".matrix tbody td").forEach((cell, i) => { cell.firstChild.textContent = matrix.flat()[i]; });
      const items = find("#threshold-patterns li").sort((a, b) => said[a.dataset.pattern] - said[b.dataset.pattern]);
      for (const item of items) {
        const { label, counts } = patterns[item.dataset.pattern], p = said[item.dataset.pattern];
        const wrong = Number(p > threshold) !== label, [canvas, words] = item.children;
        [item.hidden, item.className] = [!counts[where], wrong ? "wrong" : ""];
        canvas.ariaLabel = `${label ? "diagonal" : "straight"}${wrong ? ", called wrong" : ""}`;
        words.textContent = `${fixed(p)}${wrong ? " \u2717" : ""}`;
      }
      byId("threshold-patterns").replaceChildren(...items);
    },

    train() {
      const { at, image, turn, epoch, threshold, model, where, epochs, trained, ...settings } = state;
      const key = JSON.stringify(settings), until = performance.now() + 50;
      if (run?.key !== key || run.losses.length > trained) run = { ...start(settings), key };
      while (run.losses.length < trained && performance.now() < until) step(run);
      if (run.losses.length < trained) requestAnimationFrame(show.train);
      const { losses, valLosses, accuracies, net } = run, n = losses.length, x = Math.max(n, epochs);
      const found = `${spoken(losses.at(-1), valLosses.at(-1))}; ${fixed(100 * accuracies.at(-1), 1)} % right`;
      announce("train", `Epoch ${n} of ${epochs}: ${found}.`);
      chart(byId("train-losses"), {
        x, y: upTo(data.history.loss, losses, valLosses),
        lines: [byEpoch(data.history.loss, "committed"), byEpoch(losses, "training"), byEpoch(valLosses, "validation")],
      });
      chart(byId("train-accuracy"), { x, y: 1, lines: [byEpoch(accuracies, "training", 0)] });
      showCloud(byId("train"), net);
      showWeights(byId("train-weights"), net.layers);
    },
  };

  // ---- What buttons, keys and pointers do
  let player; // { part, timer, button } while something plays
  const STEP = { // of what plays; whether it goes on
    time() {
      change({ epoch: (state.epoch + 1) % snapshots.length });
      return state.epoch < snapshots.length - 1;
    },
    train() {
      change({ trained: state.trained < state.epochs ? state.trained + 1 : 1 });
      return state.trained < state.epochs;
    },
  };
  function stop() {
    if (!player) return;
    const { part, timer, button } = player;
    clearInterval(timer);
    [player, button.textContent] = [undefined, "Play"];
    show[part]();
  }
  function play({ part, button }) {
    const other = player?.part !== part, calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    stop();
    if (!other) return;
    const timer = setInterval(() => STEP[part]() || stop(), calm ? 1000 : { time: 300, train: 80 }[part]);
    [player, button.textContent] = [{ part, timer, button }, "Pause"];
  }

  const put = (pixel, level) => {
    const at = pixels.indexOf(pixel);
    if (at < 0 || state.image[at] === level) return;
    change({ at: "draw", image: state.image.map((each, i) => (i === at ? level : each)) });
  };
  const opposite = (pixel) => (state.image[pixels.indexOf(pixel)] ? 0 : 255);
  const DO = {
    play,
    mirror: () => change({ image: mirrored(state.image) }),
    clear: () => change({ image: new Uint8Array(nPixels) }),
    pattern: ({ button }) => change({ image: patterns[button.dataset.pattern].image }),
    pixel: ({ button, event }) => { if (event.detail === 0) put(button, opposite(button)); }, // no pointer's click
    step: () => { stop(); change({ trained: Math.min(state.trained + 1, 5000) }); },
    reset: () => { stop(); change({ trained: 0 }); },
    lecture: () => { stop(); forgetFaults(); change(lecture()); },
  };
  const section = byId("playground"), partOf = (element) => element.closest(".part").id;
  section.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) { state.at = partOf(button); DO[button.dataset.do]({ button, event, part: partOf(button) }); }
  });
  section.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["input", "change"]) section.addEventListener(kind, ({ target: control }) => {
    if ((kind === "input") !== (control.type === "range")) return; // the others when they are done
    const { name, type, checked, value } = control, found = type === "checkbox" ? checked : CONTROLS[name][0](value);
    control.setCustomValidity(found === undefined ? control.title : "");
    if (name === "epoch" || partOf(control) === "train") stop();
    if (found === undefined) { fill(); return; }
    const again = SHOWN_IN[name] || name === "epochs" ? {} : { trained: 0 };
    change({ [name]: found, ...again, at: partOf(control) });
  });

  let pen;
  byId("draw-grid")?.addEventListener("pointerdown", (event) => {
    event.target.releasePointerCapture(event.pointerId);
    put(event.target, (pen = opposite(event.target)));
  });
  addEventListener("pointermove", ({ clientX, clientY }) => {
    if (pen !== undefined) put(document.elementFromPoint(clientX, clientY), pen);
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pen = undefined; });
  byId("draw-grid")?.addEventListener("keydown", (event) => { // the arrows move the focus
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move) return;
    event.preventDefault();
    const from = pixels.indexOf(event.target), column = (from % size) + move[1];
    const to = column >= 0 && column < size ? pixels[from + size * move[0] + move[1]] : undefined;
    if (!to) return;
    [pixels[from].tabIndex, to.tabIndex] = [-1, 0];
    to.focus();
  });

  // ---- Begin
  for (const part of Object.keys(data.without)) delete show[part];
  const showAll = () => [...Object.values(show), fill].forEach((each) => each());
  find("canvas[data-pattern]").forEach((canvas) => paintImage(canvas, patterns[canvas.dataset.pattern].image));
  addEventListener("hashchange", () => {
    if (location.hash.includes("=")) { stop(); forgetFaults(); state = read(location.hash); showAll(); }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
  showAll();
  if (state.at !== "draw") byId(state.at).scrollIntoView();
  return { data, answers, probabilities, confusion, roc, train };
})();
