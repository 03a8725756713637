/** Numbers, dates and results as text. */

const LEVELS = { standard: "Standard", unusual: "Unusual", high: "High" };
const NO_REASONS = {
  standard: "Nothing about it stands out.",
  other: "No single feature stands out; it is the combination of all.",
};

export const formatLevel = (name) => LEVELS[name] ?? String(name ?? "Scored");

export const isKnown = (value) => value !== null && value !== undefined && value !== "";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** Format a number with a fixed number of digits; empty if it is not a number. */
export function formatNumber(value, digits) {
  return isNumber(value) ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "";
}

/** Format a count: `1 line`, `41,200 lines`. */
export function formatCount(count, noun) {
  return isNumber(count) ? `${formatNumber(count, 0)} ${noun}${count === 1 ? "" : "s"}` : "";
}

/** Format a date: `17 Aug 2026`, with `time` also `18:05 UTC`; a text that is not a date stays as it is. */
export function formatDate(text, time = false) {
  const moment = new Date(text);
  if (!isKnown(text) || Number.isNaN(moment.getTime())) {
    return String(text ?? "");
  }
  const day = moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return time ? `${day}, ${moment.toISOString().slice(11, 16)} UTC` : day;
}

/** Format a percentage, rounded down so that it never reads 100 % early: `62 %`, `99.8 %`, `99.99 %`. */
export function formatPercent(share) {
  const digits = share > 99.9 ? 2 : share >= 99 || share < 1 ? 1 : 0;
  return `${formatNumber(Math.floor(share * 10 ** digits + 1e-9) / 10 ** digits, digits)} %`;
}

/** Describe the pull requests that the score is compared with. */
export function describePast(distribution) {
  if (!distribution) {
    return "past pull requests";
  }
  return distribution.known
    ? "this repository’s past pull requests"
    : "the past pull requests of all repositories that the model knows";
}

/** Describe the rank of the score among them. */
export function describeRank(percentile, distribution) {
  if (!isNumber(percentile)) {
    return "";
  }
  if (percentile >= 100) {
    return `higher than all of ${describePast(distribution)}`;
  }
  return percentile < 0.1 ? `lower than nearly all of ${describePast(distribution)}` : `higher than ${formatPercent(percentile)} of ${describePast(distribution)}`;
}

/** Describe the score in one sentence. */
export function describeScore(result, distribution) {
  const where = describeRank(result.percentile, distribution);
  const score = formatNumber(result.score, 2);
  return where ? `Its score, ${score}, is ${where}.` : `Its score is ${score}.`;
}

/** Describe what the pull request was compared with. */
export function describeComparison(history, repository) {
  const texts = {
    repository: `Its size, words, author and hour were compared with past pull requests in ${repository}.`,
    all: `The service has no history of ${repository}, so it was compared with all repositories that it knows. What only this repository’s history shows, such as whether the author is new, counts as usual.`,
    none: "The history could not be read, so it was scored without one. What needs a history counts as usual: the score may be too low.",
  };
  return texts[history] ?? "";
}

/** Format the command that shows what a result comes from. */
export const formatTraceCommand = ({ repository, number }) => `./pr-sentinel trace '${repository}#${number}'`;

/** Describe what people said about the latest alerts of a repository. */
export function describeFeedback({ voted, useful }) {
  const alerts = voted === 1 ? "the one alert here with votes" : `the last ${formatNumber(voted, 0)} alerts here that people voted on`;
  return `Of ${alerts}, ${formatNumber(useful, 0)} ${useful === 1 ? "was" : "were"} called useful.`;
}

export const noReasons = (name) => NO_REASONS[name] ?? NO_REASONS.other;
