/** From quantiles to bars, and where labels go: arithmetic alone, nothing is drawn here. */

/** The share of the past at or below a score, straight between quantiles. */
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

/** The score that a share of the past stays below. */
export function scoreAt({ levels, scores }, share) {
  const after = levels.findIndex((one) => one >= share);
  if (after <= 0) {
    return scores.at(after);
  }
  const part = (share - levels[after - 1]) / (levels[after] - levels[after - 1]);
  return scores[after - 1] + part * (scores[after] - scores[after - 1]);
}

/** Equally wide bars over [0, end]: where each begins and ends, and its share of the past. */
export function bars(distribution, end, count) {
  const edges = Array.from({ length: count + 1 }, (_, place) => (place * end) / count);
  const below = edges.map((edge) => shareBelow(distribution, edge));
  below[0] = 0;
  return edges.slice(1).map((to, place) => ({ from: edges[place], to, share: below[place + 1] - below[place] }));
}

/** Round places for ticks over [0, end], about so many. */
export function ticks(end, wanted) {
  const rough = end / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, place) => Number((place * step).toPrecision(12)));
}

/**
 * Put each label beside its upright line, in a row of its own, so that as few lines as possible cross a label.
 *
 * Each label has `x`, the line's, and `width`; the answer adds `row` (0 is the highest) and `left`. All ways are tried:
 * for three labels they are 48.
 */
export function placed(labels, width, gap) {
  const ways = orders(labels.map((_, place) => place)).flatMap((rows) =>
    sides(labels.length).map((right) => labels.map((label, place) => at(label, rows[place], right[place], width, gap))),
  );
  const costs = ways.map((way) => cost(way, gap));
  return ways[costs.indexOf(Math.min(...costs))];
}

function at(label, row, right, width, gap) {
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
