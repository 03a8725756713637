/** The model's card: which one it is, what it learned from when, and how well it did beside others. */

import { byId, el } from "./dom.js";
import { counted, date, figure, known } from "./words.js";

const DETECTORS = {
  model: "this model",
  isolation_forest: "IsolationForest",
  ecod: "ECOD",
  lines_added: "lines added",
};
/** What a column is called, and whether narrow windows do without it. */
const FIGURES = {
  average_precision: { words: "average precision" },
  recall_at_1: { words: "in the top 1 %", extra: true },
  recall_at_5: { words: "in the top 5 %" },
};
const CAPTION =
  "Pull requests with something odd planted in them were mixed with newer ones that the model had not seen. So well does each way of ranking bring them to the top: average precision, and the share of them that it has there. Longer is better.";
const MOST_NAMED = 3;

/** Show the card, or why there is none. */
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
    ["Version", [card.name, card.version].filter(known).join(" ")],
    ["Registered", date(registration.registered_at, true)],
    ["Let in because", registration.reason],
    ["Learned from", learnedFrom(manifest.data)],
    ["Digest", code(card.digest)],
    ["Data hash", code(manifest.data_hash)],
    ["Dataset", code(manifest.dataset_uri)],
    ["Git commit", code(manifest.git_commit)],
    ["MLflow run", code(registration.run_id)],
  ].filter(([, value]) => known(value));
  return el("dl", { class: "card" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

const code = (text) => (known(text) ? el("code", {}, text) : null);

/** `3,904 pull requests of example/docs, opened from 1 Jan 2024 to 30 Nov 2025`, as far as that is known. */
function learnedFrom(data) {
  const { pull_requests: pulls, repositories, first, last } = data ?? {};
  const whose = Array.isArray(repositories) ? named(repositories) : counted(repositories, "repository");
  const opened = known(first) && known(last) ? `opened from ${date(first)} to ${date(last)}` : "";
  const what = [counted(pulls, "pull request"), whose].filter(known).join(" of ");
  return [what, opened].filter(known).join(", ");
}

function named(repositories) {
  const more = repositories.length - MOST_NAMED;
  const first = repositories.slice(0, MOST_NAMED).join(", ");
  return more > 0 ? `${first} and ${more} more` : first;
}

/** The figures of each way of ranking, the best of a column longest; null where there are none. */
function table(metrics) {
  const detectors = Object.keys(metrics ?? {}).sort((a, b) => order(a) - order(b));
  const columns = Object.keys(FIGURES).filter((name) => detectors.some((one) => known(metrics[one]?.[name])));
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

const ifExtra = (column) => (FIGURES[column].extra ? "extra" : null);

const heading = (column) => el("th", { scope: "col", class: ifExtra(column) }, FIGURES[column].words);

function cell(value, column) {
  const bar = el("span", { class: "share", "aria-hidden": "true" }, el("span"));
  bar.firstChild.style.width = `${100 * Math.min(Math.max(value ?? 0, 0), 1)}%`;
  return el("td", { class: ifExtra(column) }, figure(value, 3), bar);
}
