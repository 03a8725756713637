/** A scored pull request: the verdict, where it stands, why, and what it was compared with. */

import { byId, el, link } from "./dom.js";
import { plot } from "./plot.js";
import { comparison, counted, date, figure, known, level, noReasons, sentence } from "./words.js";

/** Show a result and lead there. `pull` is what is known of the pull request; `model` is the one that answered. */
export function show(result, pull, model, distribution) {
  const place = byId("result");
  place.replaceChildren(
    verdict(result, pull, distribution),
    el("div", { class: "columns" }, plot(result, distribution), why(result, model)),
  );
  place.hidden = false;
  byId("empty").hidden = true;
  document.title = `${level(result.level)}: ${pull.title || "(no title)"} · PR Sentinel`;
  byId("verdict").focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest" });
}

function verdict(result, pull, distribution) {
  return el(
    "div",
    { class: `card verdict ${result.level}` },
    el("h2", { id: "verdict", tabindex: "-1" }, level(result.level)),
    el("p", { class: "sentence" }, sentence(result, distribution)),
    el("p", { class: "which" }, link(pull.url, pull.title || "(no title)")),
    el("p", { class: "quiet" }, facts(result, pull)),
  );
}

/** One line on the pull request, without what isn't known. */
function facts(result, pull) {
  const lines = known(pull.additions) && known(pull.deletions);
  return el(
    "span",
    {},
    el("bdi", {}, result.repository),
    pull.url ? ` #${result.number}` : "",
    ...(known(pull.author) ? [" · by ", el("bdi", {}, pull.author)] : []),
    known(pull.created_at) ? ` · opened ${date(pull.created_at, true)}` : "",
    lines ? ` · +${figure(pull.additions, 0)} −${figure(pull.deletions, 0)}` : "",
    known(pull.changed_files) ? ` in ${counted(pull.changed_files, "file")}` : "",
    known(pull.commits) ? `, ${counted(pull.commits, "commit")}` : "",
  );
}

function why(result, model) {
  const reasons = result.reasons ?? [];
  return el(
    "section",
    { class: "card why", "aria-labelledby": "why" },
    el("h3", { id: "why" }, result.level === "standard" ? "What is least usual about it" : "Why"),
    reasons.length
      ? el("ul", { class: "reasons" }, ...reasons.map(reason))
      : el("p", {}, noReasons(result.level)),
    el("p", { class: "quiet" }, comparison(result.history, result.repository)),
    el("p", { class: "quiet" }, "Scored by ", el("a", { href: "#model" }, `${model.name} version ${model.version}`), "."),
  );
}

/** What is so, and below it what is usual. */
function reason(words) {
  const [what, ...usual] = words.split("; ");
  return el("li", {}, `It ${what}.`, usual.length ? el("span", { class: "quiet usual" }, capital(usual.join("; "))) : null);
}

const capital = (words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
