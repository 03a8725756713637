/** A scored pull request: its level, its place in the distribution, the reasons, and what it was compared with. */

import { byId, el, link } from "./dom.js";
import { buildPlot } from "./plot.js";
import { describeComparison, describeFeedback, describeScore, formatCount, formatDate, formatLevel, formatNumber, formatTraceCommand, isKnown, noReasons } from "./words.js";

/** Show a result and scroll to it. `pull` holds the known fields of the pull request; `model` is the one that scored it. */
export function showResult(result, pull, model, distribution, feedback) {
  const place = byId("result");
  place.replaceChildren(
    verdict(result, pull, distribution),
    el("div", { class: "columns" }, buildPlot(result, distribution), why(result, pull, model, feedback)),
  );
  place.hidden = false;
  byId("empty").hidden = true;
  document.title = `${formatLevel(result.level)}: ${pull.title || "(no title)"} · PR Sentinel`;
  byId("verdict").focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest" });
}

/** Take an earlier result off the page, so that nobody reads it beside a problem. */
export function clearResult() {
  byId("result").hidden = true;
  byId("result").replaceChildren();
  byId("empty").hidden = false;
  document.title = "PR Sentinel";
}

function verdict(result, pull, distribution) {
  return el(
    "div",
    { class: `card verdict ${result.level}` },
    el("h2", { id: "verdict", tabindex: "-1" }, formatLevel(result.level)),
    el("p", { class: "sentence" }, describeScore(result, distribution)),
    el("p", { class: "which" }, link(pull.url, pull.title || "(no title)")),
    el("p", { class: "quiet" }, facts(result, pull)),
  );
}

/** Describe the pull request in one line, without unknown fields. */
function facts(result, pull) {
  const lines = isKnown(pull.additions) && isKnown(pull.deletions);
  return el(
    "span",
    {},
    el("bdi", {}, result.repository),
    pull.url ? ` #${result.number}` : "",
    ...(isKnown(pull.author) ? [" · by ", el("bdi", {}, pull.author)] : []),
    isKnown(pull.created_at) ? ` · opened ${formatDate(pull.created_at, true)}` : "",
    lines ? ` · +${formatNumber(pull.additions, 0)} −${formatNumber(pull.deletions, 0)}` : "",
    isKnown(pull.changed_files) ? ` in ${formatCount(pull.changed_files, "file")}` : "",
    isKnown(pull.commits) ? `, ${formatCount(pull.commits, "commit")}` : "",
  );
}

function why(result, pull, model, feedback) {
  const reasons = result.reasons ?? [];
  return el(
    "section",
    { class: "card why", "aria-labelledby": "why" },
    el("h3", { id: "why" }, result.level === "standard" ? "Least usual about it" : "Why"),
    reasons.length
      ? el("ul", { class: "reasons" }, ...reasons.map(reason))
      : el("p", {}, noReasons(result.level)),
    el("p", { class: "quiet" }, describeComparison(result.history, result.repository)),
    feedback?.voted ? el("p", { class: "quiet" }, describeFeedback(feedback)) : null,
    el("p", { class: "quiet" }, "Scored by ", el("a", { href: "#model" }, `${model.name} version ${model.version}`), "."),
    isTraceable(result, pull) ? el("p", { class: "quiet" }, "What it comes from: ", el("code", { class: "command" }, formatTraceCommand(result))) : null,
  );
}

/** Check that the service has recorded the result: fields entered by hand are not a pull request, and without MongoDB nothing is kept. */
const isTraceable = (result, pull) => isKnown(pull.url) && result.history !== "none";

/** Build a list item: what stands out, and below it what is usual. */
function reason(text) {
  const [what, ...usual] = text.split("; ");
  return el("li", {}, `It ${what}.`, usual.length ? el("span", { class: "quiet usual" }, capitalise(usual.join("; "))) : null);
}

const capitalise = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
