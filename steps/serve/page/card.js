/** The model card: version, training data, and metrics beside the baselines'. */

import { byId, el } from "./dom.js";
import { formatCount, formatDate, formatNumber, isKnown } from "./words.js";

const DETECTORS = {
  model: "this model",
  isolation_forest: "IsolationForest",
  ecod: "ECOD",
  lines_added: "lines added",
};
/** The heading of a column, and whether narrow windows hide it. */
const METRICS = {
  average_precision: { label: "average precision" },
  recall_at_1: { label: "in the top 1 %", extra: true },
  recall_at_5: { label: "in the top 5 %" },
};
const CAPTION =
  "Anomalies were injected into pull requests newer than the training data. The table shows how well each detector ranks them first: average precision, and the share in the top 1 % and 5 %. Longer bars are better.";
const MAX_NAMED = 3;

/** Show the model card. */
export function showCard(card) {
  const manifest = card.manifest ?? {};
  byId("card").replaceChildren(...[facts(card, manifest), table(manifest.metrics)].filter(Boolean));
}

export function showNoCard(problem) {
  byId("card").replaceChildren(el("p", { class: "card error" }, problem.message));
}

function facts(card, manifest) {
  const registration = card.registration ?? {};
  const rows = [
    ["Version", [card.name, card.version].filter(isKnown).join(" ")],
    ["Accepted because", registration.reason],
    ["Trained on", describeTraining(manifest.data)],
    ["Digest", code(card.digest)],
    ["Data hash", code(manifest.data_hash)],
    ["Dataset", code(manifest.dataset_uri)],
    ["Git commit", code(manifest.git_commit)],
  ].filter(([, value]) => isKnown(value));
  return el("dl", { class: "card" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

const code = (text) => (isKnown(text) ? el("code", {}, text) : null);

/** `3,904 pull requests in example/docs, opened from 1 Jan 2024 to 30 Nov 2025`, as far as known. */
function describeTraining(data) {
  const { pull_requests: pulls, repositories, first, last } = data ?? {};
  const where = Array.isArray(repositories) ? formatRepositories(repositories) : formatCount(repositories, "repository");
  const opened = isKnown(first) && isKnown(last) ? `opened from ${formatDate(first)} to ${formatDate(last)}` : "";
  const what = [formatCount(pulls, "pull request"), where].filter(isKnown).join(" in ");
  return [what, opened].filter(isKnown).join(", ");
}

function formatRepositories(repositories) {
  const more = repositories.length - MAX_NAMED;
  const first = repositories.slice(0, MAX_NAMED).join(", ");
  return more > 0 ? `${first} and ${more} more` : first;
}

/** Build the table of metrics by detector; null if there are none. */
function table(metrics) {
  const detectors = Object.keys(metrics ?? {}).sort((a, b) => order(a) - order(b));
  const columns = Object.keys(METRICS).filter((name) => detectors.some((one) => isKnown(metrics[one]?.[name])));
  if (!columns.length) {
    return null;
  }
  return el(
    "div",
    { class: "card" },
    el(
      "table",
      {},
      el(
        "caption",
        {},
        CAPTION,
      ),
      el("thead", {}, el("tr", {}, el("td"), ...columns.map(heading))),
      el("tbody", {}, ...detectors.map((detector) => row(detector, metrics[detector], columns))),
    ),
  );
}

const order = (detector) => Object.keys(DETECTORS).indexOf(detector) + 1 || Infinity;

function row(detector, figures, columns) {
  const name = DETECTORS[detector] ?? detector.replaceAll("_", " ");
  const cells = columns.map((column) => cell(figures?.[column], column));
  return el("tr", { class: detector === "model" ? "model" : null }, el("th", { scope: "row" }, name), ...cells);
}

const ifExtra = (column) => (METRICS[column].extra ? "extra" : null);

const heading = (column) => el("th", { scope: "col", class: ifExtra(column) }, METRICS[column].label);

function cell(value, column) {
  const bar = el("span", { class: "share", "aria-hidden": "true" }, el("span"));
  bar.firstChild.style.width = `${100 * Math.min(Math.max(value ?? 0, 0), 1)}%`;
  return el("td", { class: ifExtra(column) }, formatNumber(value, 3), bar);
}
