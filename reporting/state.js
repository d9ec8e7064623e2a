// The state: one object, read from the address and written into it; what shows it and what changes it.
const find = (selector) => [...document.querySelectorAll(`#playground ${selector}`)];
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

const places = [...document.querySelectorAll("#playground :is(.part, .lesson)[id]")].map(({ id }) => id);
const TRAINING = ["lr", "batch", "activation", "hidden", "seed", "flip", "balance"];
const KEYS = { // key -> how it is read, undefined for what cannot be; and how written, if not as it is
  at: [one(places)], only: [one(["", ...places])], done: [(text) => text.match(/^[1-5]*$/)?.[0]],
  image: [ofImage, hexadecimal], turn: [number(-180, 180)], net: [one(Object.keys(models))],
  epoch: [ofEpoch, (place) => recorded[place]], threshold: [number(0, 1)],
  model: [one(Object.keys(models))], where: [one(["validation", widest])],
  curve: [one(Object.keys(NAMES))], z: [number(-3, 3)], minibatch: [number(1, 1e5, true)],
  lr: [number(1e-4, 100)], batch: [number(1, 1e5, true)], activation: [one(Object.keys(NAMES))],
  hidden: [ofUnits, (units) => units.join(",") || "none"], seed: [number(0, 9, true)],
  epochs: [number(1, 5000, true)], flip: truth, balance: truth, trained: [number(0, 5000, true)],
  exercise: [number(0, 9, true)], guess: [number(0, 3, true)],
};
const CONTROLS = { ...KEYS, epoch: [Number] }; // its slider counts snapshots
const written = (key, value, keys = KEYS) => String((keys[key][1] ?? String)(value));

const lecture = (training = data.training) => training && {
  lr: training.lr, batch: training.batch_size, activation: training.activation, hidden: training.hidden, seed: 0,
  epochs: training.n_epochs, flip: training.hflip > 0, balance: training.balance !== "none", trained: 0,
  exercise: 0, guess: 0,
};
const usual = () => ({
  at: places[0], only: "", done: "", image: (patterns.find(({ label }) => label) ?? patterns[0]).image, turn: 35,
  net: data.shown, epoch: recorded.length - 1, threshold: data.threshold, model: Object.keys(models)[0],
  where: "validation", curve: "relu", z: -1, minibatch: 1, ...lecture(),
});

function given(fragment) { // what an address sets, and can; a name alone is a place
  const text = fragment.slice(1), pairs = new URLSearchParams(text.includes("=") ? text : { at: text });
  const known = [...pairs].filter(([key]) => key in usual()).map(([key, value]) => [key, KEYS[key][0](value)]);
  return Object.fromEntries(known.filter(([, value]) => value !== undefined));
}

function address() {
  const other = usual(), texts = Object.keys(state).map((key) => [key, written(key, state[key])]);
  const told = texts.filter(([key, text]) => text !== written(key, other[key]));
  return `#${new URLSearchParams(told)}`.replaceAll("%2C", ",");
}

function remember(method = "replaceState") { // a sandbox has no address to write into
  try { history[method](null, "", address()); } catch (error) { if (error.name !== "SecurityError") throw error; }
}

const SHOWS = { // part -> the keys that it shows
  draw: ["image", "net"], pixels: ["image"], batch: [...TRAINING, "minibatch"], mirror: ["image"],
  ...Object.fromEntries(data.models.map(({ name }) => [`net-${name}`, ["image"]])), curve: ["curve", "z"],
  threshold: ["model", "where", "threshold"], time: ["epoch", "turn", "image"], cloud: ["net", "turn", "image"],
  train: [...TRAINING, "epochs", "trained", "exercise", "guess", "turn", "image"],
};
let state = { ...usual(), ...given(location.hash || window.name) }, waiting; // a frame's name, too
function change(changes) {
  Object.assign(state, changes);
  const parts = Object.keys(show).filter((part) => SHOWS[part].some((key) => key in changes));
  [...parts.map((part) => show[part]), fill].forEach((each) => each());
  if ("image" in changes) solve({ 1: isWrongFor("logistic"), 2: isUndecided() });
  if ("trained" in changes && run) solve({ 4: isUnstuck(run), 5: hasLearned(run) });
  clearTimeout(waiting); // browsers refuse an address that changes too often
  waiting = setTimeout(remember, 200);
}

function fill() { // what cannot be used is kept to be put right, and until then nothing is trained
  const controls = find("[name]"), isFaulty = (control) => control.validity.customError;
  for (const control of controls) {
    if (control.type === "checkbox") control.checked = state[control.name];
    else if (!isFaulty(control) && !control.matches("[type=text]:focus")) // nobody types against what plays
      control.value = written(control.name, state[control.name], CONTROLS);
    if (control.type === "text") control.ariaInvalid = isFaulty(control);
  }
  const faults = controls.filter(isFaulty).map(({ labels: [label], value, title }) =>
    `${label.textContent.trim()}: \u201c${value}\u201d cannot be used. ${title}.`);
  const waits = faults.length > 0 || (state.exercise > 0 && state.guess === 0);
  find("#train-faults").forEach((words) => { words.textContent = faults.join(" "); });
  find("#train :is([data-do=play], [data-do=step])").forEach((button) => { button.disabled = waits; });
  for (const task of find("[data-task]")) {
    const isDone = state.done.includes(task.dataset.task);
    task.querySelector(".check").textContent = isDone ? "\u2713 done" : "\u2610 to do";
  }
  document.body.classList.toggle("only", state.only !== "");
  document.querySelectorAll(".alone").forEach((each) => each.classList.remove("alone"));
  if (state.only) byId(state.only).classList.add("alone");
}
const forgetFaults = () => find("input").forEach((control) => control.setCustomValidity(""));
const announce = (part, words) => { // which nobody wants to hear again and again while it plays
  const status = byId(part).querySelector(".status");
  [status.ariaLive, status.textContent] = [player?.part === part ? "off" : "polite", words];
};

// ---- First steps: a task that is solved stays so
const lineOf = (image) => patterns.find((each) => String(each.image) === String(image));
const isWrongFor = (name, line = lineOf(state.image)) => Boolean(line && name in models && isWrong(models[name], line));
const isUndecided = (line = lineOf(state.image)) =>
  Boolean(line) && probability(models[data.shown], line.x) === data.threshold;
const hasLearned = ({ settings, losses }) => settings.activation === "sigmoid" && losses.at(-1) < 0.3;
const deadAtFirst = silentUnits(models[data.shown]);
const isUnstuck = ({ settings: { activation, hidden, seed }, net }) => { // of the same units, with a leak
  const now = silentUnits(net), same = String(hidden) === String(data.training.hidden) && seed === 0;
  return same && ["leaky_relu", "prelu"].includes(activation)
    && deadAtFirst.some((units, layer) => units.some((isDead, unit) => isDead && !now[layer][unit]));
};
function solve(tasks) { // number -> whether it is solved now
  const found = Object.keys(tasks).filter((task) => tasks[task] && !state.done.includes(task));
  if (!found.length || !byId("tasks")) return;
  change({ done: [...state.done, ...found].sort().join("") });
  byId("solved").innerHTML = `<span>Solved: task ${found.join(" and ")}; ${state.done.length} of 5 done.</span>`;
}

// ---- What each part shows of the state
const verdict = (p) => (p === data.threshold ? "undecided" : data.classes[Number(p > data.threshold)]);
const pixels = find("#draw-grid button"), verdicts = find("#draw-verdicts p");
const among = snapshots.flatMap((net) => seen.map(({ x }) => represented(net, x)));
const netIn = (part) => byId(part).querySelector(".net");
let run, player, pen; // the training; { part, timer, button } while something plays; the level that is drawn

const kindOf = (image, line = lineOf(image)) =>
  (line ? `Pattern ${patterns.indexOf(line) + 1}: ${data.classes[line.label]}.` : `The picture is ${
    image.some(Boolean) ? "none of the patterns" : "empty"}. No answer to it is right or wrong, but the networks give one.`);

const spoken = (loss, valLoss) =>
  loss === undefined ? "before training" : `loss ${fixed(loss, 6)}, validation loss ${fixed(valLoss, 6)}`;
const judgement = (said, where, threshold = data.threshold) =>
  `${percent(right(confusion(said, where, threshold)))} right, ${percent(undecided(said, where))} undecided`;
const show = {
  draw() {
    pixels.forEach((pixel, i) => {
      pixel.style.background = `rgb(${state.image[i]}, ${state.image[i]}, ${state.image[i]})`;
      pixel.ariaPressed = state.image[i] > 0;
    });
    const x = seenAs(state.image), line = lineOf(state.image);
    find("#draw-patterns button").forEach((thumb, i) => { thumb.ariaPressed = patterns[i] === line; });
    byId("draw-kind").textContent = kindOf(state.image);
    data.models.forEach(({ name }, i) => {
      const p = probability(models[name], x), parts = verdicts[i].querySelectorAll("span, small, .bar *");
      const [called, exact, bar, limit] = parts;
      called.textContent = `${verdict(p)}${isWrongFor(name) ? ", wrong" : ""}`;
      exact.textContent = `(P(${data.classes[1]}) = ${fixed(p, 3)})`;
      bar.style.width = `${100 * p}%`;
      limit.style.left = `${100 * data.threshold}%`;
    });
    showNet(netIn("draw"), models[state.net], state.image);
  },

  pixels() {
    const x = seenAs(state.image), scaled = Array.from(state.image, (level) => level / 255);
    [Array.from(state.image), scaled, x].forEach((values, i) => {
      const cells = parts(Array.from(values), size).map((row) =>
        `<tr>${row.map((value) => `<td>${fixed(value, Number.isInteger(value) ? 0 : 2)}</td>`).join("")}</tr>`);
      find("#pixels tbody")[i].innerHTML = cells.join("");
    });
  },

  batch() {
    const perEpoch = Math.ceil(sum(data.patterns.train) / state.batch), place = (state.minibatch - 1) % perEpoch;
    const epoch = Math.floor((state.minibatch - 1) / perEpoch), all = draws(state, epoch);
    const isPositive = ([number]) => patterns[number].label, batch = parts(all, state.batch)[place];
    byId("batch-images").innerHTML = batch.map(([number, flip]) =>
      `<li><canvas role="img"></canvas>${mark(patterns[number].label)}${flip ? " \u2194" : ""}</li>`).join("");
    byId("batch-images").querySelectorAll("canvas").forEach((canvas, i) => {
      const [number, flip] = batch[i], { image, label } = patterns[number];
      canvas.ariaLabel = `${data.classes[label]}${flip ? ", mirrored" : ""}`;
      paintImage(canvas, flip ? mirrored(image) : image);
    });
    announce("batch", `Mini-batch ${place + 1} of ${perEpoch} in epoch ${epoch + 1}: ${
      batch.filter(isPositive).length} of ${batch.length} are ${data.classes[1]}; in the whole epoch ${
      percent(all.filter(isPositive).length / all.length)}.`);
  },

  mirror() {
    const images = [state.image, mirrored(state.image)], x = images.map(seenAs);
    find("#mirror canvas").forEach((canvas, i) => paintImage(canvas, images[i]));
    find("#mirror tbody tr").forEach((row, i) => {
      const both = x.map((each) => forward(models[data.models[i].name], each).probability), all = [...both, mean(both)];
      row.querySelectorAll("td").forEach((cell, k) => { cell.textContent = fixed(all[k], 3); });
    });
  },

  time() {
    const net = snapshots[state.epoch], { epochs, loss, val_loss: valLoss } = data.history;
    const epoch = epochs[state.epoch], last = epochs.at(-1), now = [loss, valLoss].map((each) => each[epoch - 1]);
    byId("time").querySelector("[name=epoch]").ariaValueText = epoch;
    const wrong = seen.filter((pattern) => isWrong(net, pattern)).length;
    const open = seen.filter(({ x }) => probability(net, x) === data.threshold).length;
    byId("time").querySelector("output").textContent = `${epoch} of ${last}`;
    const found = `${wrong} of ${seen.length} patterns called wrong, ${open} undecided`;
    announce("time", `Epoch ${epoch}: ${spoken(...now)}; ${found}.`);
    showCloud(byId("time"), net, { among });
    chart(byId("time-losses"), {
      x: last, y: upTo(loss, valLoss), lines: [byEpoch(loss, "training"), byEpoch(valLoss, "validation")],
      mark: epoch, dots: epoch ? now.map((each) => [epoch, each]) : [],
    });
    showNet(netIn("time"), net, state.image, net.layers.map((_, layer) => // the same colours at all epochs
      Math.max(...snapshots.map(({ layers }) => peakOf(layers[layer])))));
  },

  threshold() {
    const { model, where, threshold } = state, said = answers[model], matrix = confusion(said, where, threshold);
    const [fpr, tpr] = rates(matrix);
    byId("threshold").querySelector("output").textContent = fixed(threshold, 3);
    announce("threshold", `${judgement(said, where, threshold)}; called ${data.classes[1]}: ${
      percent(tpr)} of ${data.classes[1]}, ${percent(fpr)} of ${data.classes[0]}.`);
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
      canvas.ariaLabel = `${data.classes[label]}${wrong ? ", called wrong" : ""}`;
      words.textContent = `${fixed(p)}${wrong ? " \u2717" : ""}`;
    }
    byId("threshold-patterns").replaceChildren(...items);
  },

  curve() {
    const { curve, z } = state, slope = SLOPES[curve], [value, derivative] = CURVES[curve] ?? LINES;
    const both = (sum) => [value(sum, slope), derivative(sum, value(sum, slope), slope)], [a, d] = both(z);
    const lines = ["training", "validation"].map((kind, i) =>
      [times(121, (n) => n / 20 - 3).map((sum) => [sum, both(sum)[i]]), kind]);
    byId("curve").querySelector("output").textContent = fixed(z, 1);
    const left = d ** 8, share = left && left < 0.001 ? "less than a thousandth" : fixed(left, 3);
    announce("curve", `A sum of ${fixed(z, 1)} becomes ${fixed(a, 3)}. The slope is ${
      fixed(d, 3)}: the share of the gradient that comes back. Through 8 such layers: ${share}.`);
    chart(byId("curve-chart"), { from: [-3, -1], x: 3, y: 3, lines, dots: [[z, a]] });
  },

  train() {
    const settings = Object.fromEntries(TRAINING.map((key) => [key, state[key]])), { epochs, trained } = state;
    const key = JSON.stringify(settings), until = performance.now() + 50;
    if (run?.key !== key || run.losses.length > trained) run = { ...start(settings), key };
    while (run.losses.length < trained && performance.now() < until) step(run);
    if (run.losses.length < trained) requestAnimationFrame(show.train);
    const { losses, valLosses, net } = run, n = losses.length, x = Math.max(n, epochs);
    const ends = spoken(losses.at(-1), valLosses.at(-1));
    announce("train", `Epoch ${n} of ${epochs}: ${ends}; ${judgement(judged(net), widest)}.`);
    chart(byId("train-losses"), {
      x, y: upTo(data.history.loss, losses, valLosses),
      lines: [byEpoch(data.history.loss, "committed"), byEpoch(losses, "training"), byEpoch(valLosses, "validation")],
    });
    showCloud(byId("train"), net);
    showNet(netIn("train"), net, state.image);
    showExercise(losses);
  },

  cloud() { showCloud(byId("cloud"), models[state.net], { drawn: seenAs(state.image) }); },
};
for (const name of Object.keys(models)) show[`net-${name}`] = () => {
  const net = models[name], { together } = data.models.find((each) => each.name === name);
  const x = seenAs(state.image), one = network("none", [rows(together)]);
  const tables = find(`#net-${name} .units-of`); // the first of all layers as one, if there is no activation
  if (tables.length > net.layers.length) showTable(tables.shift(), one, 0, x);
  tables.forEach((table, layer) => showTable(table, net, layer, x));
  showNet(netIn(`net-${name}`), net, state.image);
};

// An exercise asks for a guess, then for the training, and then says what came out.
const OUTCOMES = [[0.65, "above 0.65"], [0.1, "between 0.1 and 0.65"], [-1, "below 0.1"]];
function showExercise(losses) {
  const { exercise, guess, epochs } = state, panel = byId("exercise"), isOver = losses.length >= epochs;
  panel.hidden = !exercise;
  panel.querySelectorAll("[data-exercise]").forEach((each) => {
    const isEarly = each.matches(".answer") && (!guess || !isOver);
    each.hidden = Number(each.dataset.exercise) !== exercise || isEarly;
  });
  for (const button of panel.querySelectorAll("[data-guess]"))
    button.ariaPressed = Number(button.dataset.guess) === guess;
  const came = OUTCOMES.findIndex(([low]) => losses.at(-1) > low) + 1, [, words] = OUTCOMES[guess - 1] ?? [];
  const end = isOver && `It ended at ${fixed(losses.at(-1), 3)}: ${came === guess ? "you were right" : "not so"}.`;
  byId("guessed").textContent = guess ? `Your guess: ${words}. ${end || "Press Play."}` : "Guess first; then train.";
}

// ---- What buttons, keys and pointers do
const STEP = { // of what plays; tells whether it goes on
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
const settle = () => { stop(); forgetFaults(); }; // before other settings are shown
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
const another = (by) => () =>
  change({ image: patterns.at((Math.max(patterns.indexOf(lineOf(state.image)), 0) + by) % patterns.length).image });
const DO = {
  play,
  mirror: () => change({ image: mirrored(state.image) }),
  clear: () => change({ image: new Uint8Array(nPixels) }),
  pattern: ({ button }) => change({ image: patterns[button.dataset.pattern].image }),
  previous: another(-1), next: another(1),
  pixel: ({ button, event }) => { if (event.detail === 0) put(button, opposite(button)); }, // no pointer's click
  unit({ button }) {
    point(button);
    if (button.classList.contains("dead")) solve({ 3: true });
  },
  fold: ({ button }) => { button.ariaExpanded = button.parentElement.classList.toggle("open"); },
  minibatch: () => change({ minibatch: state.minibatch + 1 }),
  guess: ({ button }) => change({ guess: Number(button.dataset.guess) }),
  step: () => { stop(); change({ trained: Math.min(state.trained + 1, 5000) }); },
  reset: () => { stop(); change({ trained: 0 }); },
  lecture: () => { settle(); change(lecture()); },
  forget: () => { change({ done: "" }); byId("solved").textContent = ""; },
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
  const again = TRAINING.includes(name) ? { trained: 0, exercise: 0, guess: 0 } : {};
  change({ [name]: found, ...again, at: partOf(control) });
});

// Units are named when pointed at or focused, and among them the arrows move.
function point(unit) {
  const net = unit?.closest(".net"), before = find(".net[data-active]");
  before.forEach((each) => { delete each.dataset.active; });
  if (net) net.dataset.active = `${unit.dataset.layer} ${unit.dataset.unit}`;
  for (const each of new Set([...before, net])) if (each) { showLinks(each, ...pictured.get(each)); explain(each); }
}
section.addEventListener("focusin", ({ target }) => { if (target.matches(".unit")) point(target); });
section.addEventListener("pointerover", ({ target }) => {
  const unit = target.closest(".unit") ?? document.activeElement.closest(".unit");
  if (unit || find(".net[data-active]").length) point(unit);
});
const rove = (from, to) => { if (to) { [from.tabIndex, to.tabIndex] = [-1, 0]; to.focus(); } };
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
section.addEventListener("keydown", (event) => {
  const [down, across] = ARROWS[event.key] ?? [], { target } = event;
  if (down === undefined || !target.matches(".unit, #draw-grid button")) return;
  event.preventDefault();
  if (target.matches(".unit")) {
    const layer = Number(target.dataset.layer) + across, unit = Number(target.dataset.unit) + down;
    const units = [...target.closest(".net").querySelectorAll(`[data-layer="${layer}"]`)];
    rove(target, units[unit] ?? (across ? units.at(-1) : undefined));
    return;
  }
  const from = pixels.indexOf(target), column = (from % size) + across;
  rove(target, column >= 0 && column < size ? pixels[from + size * down + across] : undefined);
});

byId("draw-grid")?.addEventListener("pointerdown", (event) => {
  event.target.releasePointerCapture(event.pointerId);
  put(event.target, (pen = opposite(event.target)));
});
addEventListener("pointermove", ({ clientX, clientY }) => {
  if (pen !== undefined) put(document.elementFromPoint(clientX, clientY), pen);
});
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pen = undefined; });

// ---- Links keep the state, as the address does; figures are enlarged
function go(place) {
  byId(place)?.scrollIntoView();
  byId(place)?.querySelector("h2, h3")?.focus({ preventScroll: true });
}
document.addEventListener("click", (event) => {
  const text = event.target.closest("a[href^='#']")?.getAttribute("href"), figure = event.target.closest(".enlarge");
  if (text) {
    event.preventDefault();
    settle();
    const changes = given(text);
    change({ ...("exercise" in changes ? lecture() : {}), ...changes });
    remember("pushState");
    if (!state.only) go(text.includes("=") ? state.at : text.slice(1));
  } else if (figure) {
    byId("large").lastElementChild.replaceWith(figure.firstElementChild.cloneNode());
    byId("large").showModal();
  } else if (event.target.closest("#large")) byId("large").close();
});

// ---- Begin
for (const part of Object.keys(show)) if (!byId(part) || part in data.without) delete show[part];
const showAll = () => { signs = undefined; [...Object.values(show), fill].forEach((each) => each()); };
find("canvas[data-pattern]").forEach((canvas) => paintImage(canvas, patterns[canvas.dataset.pattern].image));
find("[data-judged]").forEach((cell) => { cell.textContent = judgement(answers[cell.dataset.judged], widest); });
if (!deadAtFirst.flat().includes(true)) find("[data-task='3'], [data-task='4']").forEach((each) => each.remove());
addEventListener("popstate", () => { // by the back button, too, or a change of the address by hand
  if (location.hash === address()) return;
  settle();
  state = { ...(location.hash.includes("=") ? usual() : { ...state, only: "" }), ...given(location.hash) };
  showAll();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
showAll();
if (state.at !== usual().at && !state.only) go(state.at);
const contents = new IntersectionObserver((entries) => { // mark the section that is read
  for (const { target: { id }, isIntersecting } of entries) {
    const link = document.querySelector(`nav a[href="#${id}"]`);
    link.setAttribute("aria-current", isIntersecting ? "location" : "false");
    if (isIntersecting) document.querySelector("nav").scrollLeft = link.offsetLeft - 60;
  }
}, { rootMargin: "-20% 0px -75% 0px" });
find(".lesson").forEach((lesson) => contents.observe(lesson));
