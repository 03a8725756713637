/** Numbers, dates and findings in plain English. */

const LEVELS = { standard: "Nothing unusual", unusual: "Unusual", high: "Very unusual" };
const NO_REASONS = {
  standard: "Nothing about it stands out.",
  other: "No single thing stands out; it is all of it together.",
};

export const level = (name) => LEVELS[name] ?? String(name ?? "Scored");

export const known = (value) => value !== null && value !== undefined && value !== "";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A figure with so many digits; nothing for what is none. */
export function figure(value, digits) {
  return isNumber(value) ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "";
}

/** `1 line`, `41,200 lines`. */
export function counted(count, noun) {
  return isNumber(count) ? `${figure(count, 0)} ${noun}${count === 1 ? "" : "s"}` : "";
}

/** `17 Aug 2026`, or with `time` also `18:05 UTC`; what is no date stays as it is. */
export function date(text, time = false) {
  const moment = new Date(text);
  if (!known(text) || Number.isNaN(moment.getTime())) {
    return String(text ?? "");
  }
  const day = moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return time ? `${day}, ${moment.toISOString().slice(11, 16)} UTC` : day;
}

/** A share in percent, cut off rather than rounded up to all: `62 %`, `99.8 %`, `99.99 %`. */
export function percent(share) {
  const digits = share > 99.9 ? 2 : share >= 99 || share < 1 ? 1 : 0;
  return `${figure(Math.floor(share * 10 ** digits + 1e-9) / 10 ** digits, digits)} %`;
}

/** Whose past pull requests the score stands among. */
export function past(distribution) {
  if (!distribution) {
    return "past pull requests";
  }
  return distribution.known
    ? "this repository’s past pull requests"
    : "the past pull requests of all repositories that the model knows";
}

/** Where the score stands in that past. */
export function standing(percentile, distribution) {
  if (!isNumber(percentile)) {
    return "";
  }
  if (percentile >= 100) {
    return `higher than all of ${past(distribution)}`;
  }
  return percentile < 0.1 ? `lower than nearly all of ${past(distribution)}` : `higher than ${percent(percentile)} of ${past(distribution)}`;
}

/** The one sentence under the verdict. */
export function sentence(result, distribution) {
  const where = standing(result.percentile, distribution);
  const score = figure(result.score, 2);
  return where ? `Its score, ${score}, is ${where}.` : `Its score is ${score}.`;
}

/** What it was compared with. */
export function comparison(history, repository) {
  const texts = {
    repository: `Size, words, author and hour were compared with what came before in ${repository}.`,
    all: `The service knows nothing of what came before in ${repository}, so it was compared with all repositories that it knows. What only this repository could tell, such as who is a newcomer, counts as usual.`,
    none: "What came before could not be looked up, so it was scored by itself. Whatever needs a past counts as usual: the score may be too low.",
  };
  return texts[history] ?? "";
}

export const noReasons = (name) => NO_REASONS[name] ?? NO_REASONS.other;
