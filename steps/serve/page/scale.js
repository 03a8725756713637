/** Arithmetic of the plot: from quantiles to bars, and the placement of labels. */

/** Return the share of past scores at or below a score, interpolated linearly between quantiles. */
export function shareBelow({ levels, scores }, score) {
  const after = scores.findIndex((one) => one > score);
  if (after === -1) {
    return 1;
  }
  if (after === 0) {
    return 0;
  }
  const part = (score - scores[after - 1]) / (scores[after] - scores[after - 1]);
  return levels[after - 1] + part * (levels[after] - levels[after - 1]);
}

/** Return the score that a share of past scores stays below. */
export function scoreAt({ levels, scores }, share) {
  const after = levels.findIndex((one) => one >= share);
  if (after <= 0) {
    return scores.at(after);
  }
  const part = (share - levels[after - 1]) / (levels[after] - levels[after - 1]);
  return scores[after - 1] + part * (scores[after] - scores[after - 1]);
}

/** Compute bars of equal width over [0, end]: the ends of each, and its share of past scores. */
export function computeBars(distribution, end, count) {
  const edges = Array.from({ length: count + 1 }, (_, place) => (place * end) / count);
  const below = edges.map((edge) => shareBelow(distribution, edge));
  below[0] = 0;
  return edges.slice(1).map((to, place) => ({ from: edges[place], to, share: below[place + 1] - below[place] }));
}

/** Compute round positions for about `wanted` ticks over [0, end]. */
export function computeTicks(end, wanted) {
  const rough = end / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, place) => Number((place * step).toPrecision(12)));
}

/**
 * Place each label beside its vertical line, in a row of its own, so that as few lines as possible cross a label.
 *
 * Each label has `x`, that of its line, and `width`; the result adds `row` (0 is the top) and `left`. All arrangements
 * are tried: 48 for three labels.
 */
export function placeLabels(labels, width, gap) {
  const ways = orders(labels.map((_, place) => place)).flatMap((rows) =>
    sides(labels.length).map((right) => labels.map((label, place) => placeLabel(label, rows[place], right[place], width, gap))),
  );
  const costs = ways.map((way) => cost(way, gap));
  return ways[costs.indexOf(Math.min(...costs))];
}

function placeLabel(label, row, right, width, gap) {
  const wanted = right ? label.x + gap : label.x - gap - label.width;
  const left = Math.max(0, Math.min(wanted, width - label.width));
  return { ...label, row, left, moved: Math.abs(left - wanted) };
}

/** Crossings weigh most, then labels moved off their lines, then a label to the left of its line. */
function cost(way, gap) {
  let sum = 0;
  for (const label of way) {
    sum += label.moved + (label.left < label.x ? 1 : 0);
    for (const line of way) {
      const crosses = line.row <= label.row && line.x > label.left - gap / 2 && line.x < label.left + label.width + gap / 2;
      sum += crosses ? 1000 : 0;
    }
  }
  return sum;
}

function orders(rows) {
  return rows.length < 2
    ? [rows]
    : rows.flatMap((row) => orders(rows.filter((other) => other !== row)).map((rest) => [row, ...rest]));
}

function sides(count) {
  return count === 0 ? [[]] : sides(count - 1).flatMap((rest) => [[...rest, true], [...rest, false]]);
}
