/** The score on the distribution of past scores, as an SVG as wide as its container. */

import { el, svg } from "./dom.js";
import { computeBars, computeTicks, placeLabels, scoreAt, shareBelow } from "./scale.js";
import { describePast, formatNumber } from "./words.js";

const ROW = 20;
const BARS = 132;
const FOOT = 44;
const SIDE = 10;
const GAP = 6;
const BAR_WIDTH = 8;
const TICK_WIDTH = 56;

/** Build the plot with its caption; null if there is nothing to draw. */
export function buildPlot(result, distribution) {
  if (!isUsable(distribution)) {
    return null;
  }
  const caption = describePlot(result, distribution);
  const place = el("div", { class: "plot" });
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (width > 0) {
      draw(place, width, result, distribution, caption);
    }
  }).observe(place);
  return el("figure", { class: "card" }, el("h3", {}, "How it compares"), place, el("figcaption", {}, caption));
}

function isUsable(distribution) {
  const { levels, scores } = distribution ?? {};
  return Array.isArray(levels) && Array.isArray(scores) && levels.length === scores.length && levels.length > 1;
}

/** Describe the plot in words. */
function describePlot({ score }, distribution) {
  const { threshold, high } = distribution;
  const above = Math.round(1000 * (1 - shareBelow(distribution, threshold)));
  return [
    `The bars show how frequent each score is among ${describePast(distribution)}.`,
    `Half of them score below ${formatNumber(scoreAt(distribution, 0.5), 2)}.`,
    `Scores from ${formatNumber(threshold, 2)} are unusual (${above < 1 ? "fewer than one" : `about ${formatNumber(above, 0)}`} in 1,000), scores from ${formatNumber(high, 2)} high.`,
    `This pull request scores ${formatNumber(score, 2)}.`,
  ].join(" ");
}

function draw(place, width, result, distribution, caption) {
  const { threshold, high } = distribution;
  const end = 1.06 * Math.max(distribution.scores.at(-1), high, threshold, result.score, 1);
  const x = (score) => SIDE + (score / end) * (width - 2 * SIDE);
  const lines = [
    { kind: "threshold", x: x(threshold), text: `unusual from ${formatNumber(threshold, 2)}` },
    { kind: "high", x: x(high), text: `high from ${formatNumber(high, 2)}` },
    { kind: "marker", x: x(result.score), text: `this one: ${formatNumber(result.score, 2)}` },
  ];
  const top = ROW * lines.length;
  const height = top + BARS + FOOT;
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-labelledby": "plot-title plot-words" },
    svg("title", { id: "plot-title" }, "The score among those of past pull requests"),
    svg("desc", { id: "plot-words" }, caption),
    zone("unusual", x(threshold), x(high), top),
    zone("high", x(high), x(end), top),
    ...columns(distribution, end, x, top + BARS),
    ...axis(end, x, top + BARS, width),
  );
  place.replaceChildren(drawing);
  label(drawing, lines, width, top + BARS);
}

const zone = (kind, from, to, top) =>
  svg("rect", { class: `zone ${kind}`, x: from, y: top, width: Math.max(to - from, 0), height: BARS });

function columns(distribution, end, x, ground) {
  const count = Math.max(10, Math.round((x(end) - x(0)) / BAR_WIDTH));
  const all = computeBars(distribution, end, count);
  const tallest = Math.max(...all.map((bar) => bar.share));
  return all
    .filter((bar) => bar.share > 0)
    .map((bar) => {
      const height = Math.max((bar.share / tallest) * BARS, 1.5); // the rarest is still visible
      const wide = Math.max(x(bar.to) - x(bar.from) - 1, 1);
      return svg("rect", { class: `bar ${kindOf(bar, distribution)}`, x: x(bar.from), y: ground - height, width: wide, height });
    });
}

function kindOf(bar, { threshold, high }) {
  const middle = (bar.from + bar.to) / 2;
  return middle > high ? "high" : middle > threshold ? "unusual" : "standard";
}

function axis(end, x, ground, width) {
  const marks = computeTicks(end, (x(end) - x(0)) / TICK_WIDTH);
  return [
    svg("line", { class: "axis", x1: x(0), x2: x(end), y1: ground, y2: ground }),
    ...marks.map((mark) => svg("text", { class: "tick", x: x(mark), y: ground + 17 }, mark.toLocaleString("en"))),
    svg("text", { class: "tick", x: width / 2, y: ground + 36 }, "score: higher is more unusual"),
  ];
}

/** Draw the vertical lines with their labels, which are measured first. */
function label(drawing, lines, width, ground) {
  const texts = lines.map(({ kind, text }) => svg("text", { class: `label ${kind}` }, text));
  drawing.append(...texts);
  const measured = lines.map((line, place) => ({ ...line, width: texts[place].getComputedTextLength() }));
  placeLabels(measured, width, GAP).forEach(({ kind, x, row, left }, place) => {
    const y = row * ROW;
    drawing.insertBefore(svg("line", { class: `mark ${kind}`, x1: x, x2: x, y1: y + 4, y2: ground }), texts[0]);
    texts[place].setAttribute("x", left);
    texts[place].setAttribute("y", y + 15);
  });
  const marker = measured.at(-1);
  drawing.append(svg("circle", { class: "mark marker", cx: marker.x, cy: ground, r: 5 }));
}
