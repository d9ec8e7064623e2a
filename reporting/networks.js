// Networks as functions of arrays: evaluated, judged and trained, in float64 as the pipeline has it.
// This file, drawing.js and state.js stand in one function of the page, in this order.
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
// The share of images that get exactly the pipeline's threshold.
const undecided = (said, where, counts = patterns.map((each) => each.counts[where])) =>
  sum(counts.filter((_, i) => said[i] === data.threshold)) / sum(counts);
const rates = ([[tn, fp], [fn, tp]]) => [fp / (fp + tn), tp / (tp + fn)];
const right = ([[tn, fp], [fn, tp]]) => (tn + tp) / (tn + fp + fn + tp);

function roc(said, where) {
  const levels = [...new Set(said.filter((_, i) => patterns[i].counts[where]))].sort((a, b) => b - a);
  return [...levels, -1].map((threshold) => rates(confusion(said, where, threshold)));
}

// Which units of hidden layers get a sum above 0 from no pattern, where what follows bends at 0. A
// ReLU unit like that is dead.
function silentUnits(net) {
  const bends = net.activation in SLOPES && net.activation !== "none";
  const traces = bends ? seen.map(({ x }) => forward(net, x)) : [];
  return net.layers.slice(0, -1).map((units, layer) =>
    units.map((_, unit) => bends && traces.every(({ sums }) => sums[layer][unit] <= 0)));
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
const start = (settings) => ({ settings, net: initial(settings), losses: [], valLosses: [] });

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
function step({ settings, net, losses, valLosses }) {
  const images = draws(settings, losses.length).map(([number, flip]) => {
    const { x, flipped, label } = patterns[number];
    return { x: flip ? flipped : x, label };
  });
  losses.push(mean(parts(images, settings.batch).map((batch) => update(net, batch, settings.lr))));
  const byPattern = patterns.map(({ x, label }) => loss(forward(net, x).probability, label));
  const ofVal = Array.from(data.training.val.values, (number) => byPattern[number]);
  valLosses.push(mean(parts(ofVal, settings.batch).map(mean)));
}

function train(settings, epochs) {
  const run = start({ ...lecture(), ...settings });
  while (run.losses.length < epochs) step(run);
  return run;
}

// ---- Space: the last hidden layer as a box with points, cut where the output is the threshold
const represented = (net, x) => Array.from(forward(net, x).values.at(-2), (each) => Math.round(each * 1e6) / 1e6);

// More than three units are seen from the side, so that the deciding plane is a line: across is
// how far they are towards label 1, up how far they are from that direction.
function coordinates(net) {
  const normal = Array.from(net.layers.at(-1)[0]), length = Math.hypot(...normal) || 1;
  if (normal.length <= 3) return { normal, place: (point) => point };
  const place = (point) => {
    const along = dot(point, normal) / length;
    return [along, Math.hypot(...point.map((each, axis) => each - (along * normal[axis]) / length))];
  };
  return { normal: [length, 0], place };
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
