/** The page: takes a URL or fields, calls the service, and shows the result. */

import { showCard, showNoCard } from "./card.js";
import { byId, el } from "./dom.js";
import * as forms from "./forms.js";
import { clearResult, showResult } from "./result.js";
import * as service from "./service.js";

const EXAMPLE = {
  title: "Fix typo",
  body: "",
  author: "a-newcomer",
  additions: 41_200,
  deletions: 12,
  changed_files: 412,
  commits: 1,
};
const EXAMPLE_REPOSITORY = "example/webshop";

let shownModel = null;

function start() {
  forms.setFields({ created_at: forms.localTime(new Date()) });
  byId("by-url").addEventListener("submit", onUrl);
  byId("by-fields").addEventListener("submit", onFields);
  byId("example").addEventListener("click", onExample);
  addEventListener("hashchange", followLocation);
  refreshCard();
  followLocation();
}

/** Score the pull request named in the page's own URL, `/?url=…` or `/#url=…`, as links to the page have it. */
function followLocation() {
  const named = new URLSearchParams(location.hash.slice(1)).get("url") ?? new URLSearchParams(location.search).get("url");
  if (named && byId("url").value !== named) {
    forms.setUrl(named);
    byId("by-url").requestSubmit();
  }
}

function onUrl(event) {
  event.preventDefault();
  const url = forms.getUrl();
  forms.setUrl(url);
  score(event.target, async () => {
    const answer = await service.scoreUrl(url);
    await present(answer, answer.pull_request ?? { url });
    history.replaceState(null, "", `?${new URLSearchParams({ url })}`);
  }, forms.showUrlProblem);
}

function onFields(event) {
  event.preventDefault();
  const form = event.target;
  score(form, async () => {
    const pull = forms.getPull();
    const answer = await service.scorePull(pull);
    await present(answer, { ...pull, author: pull.user.login });
    history.replaceState(null, "", location.pathname);
  }, (problem) => forms.showFieldProblems(form, problem));
}

function onExample() {
  const repository = byId("repositories").options[0]?.value ?? EXAMPLE_REPOSITORY;
  forms.setFields({ ...EXAMPLE, repository, created_at: forms.localTime(new Date()) });
  forms.openFields();
  byId("by-fields").requestSubmit();
}

/** Run one scoring if the form is valid; `showProblem` shows what went wrong. */
async function score(form, work, showProblem) {
  if (isBusy()) {
    return;
  }
  if (!forms.isValid(form)) {
    clearResult();
    return;
  }
  setBusy(true);
  let problem = null;
  try {
    await work();
  } catch (error) {
    problem = error instanceof service.Problem ? error : new service.Problem(200, service.UNREADABLE);
  }
  setBusy(false);
  if (problem) {
    clearResult();
    showProblem(problem);
  }
}

async function present(answer, pull) {
  const [result] = answer.results;
  const [distribution, feedback] = await Promise.all([
    service.getDistribution(result.repository),
    service.getFeedback(result.repository),
  ]);
  showResult(result, pull, answer.model, distribution, feedback);
  if (answer.model.digest !== shownModel) {
    refreshCard();
  }
}

const isBusy = () => document.body.getAttribute("aria-busy") === "true";

function setBusy(busy) {
  document.body.setAttribute("aria-busy", String(busy));
  byId("status").textContent = busy ? "Scoring…" : "";
  document.querySelectorAll("button").forEach((button) => (button.disabled = busy));
}

async function refreshCard() {
  try {
    const card = await service.getModel();
    shownModel = card.digest;
    offerRepositories(card.manifest?.data?.repositories);
    showCard(card);
  } catch (error) {
    showNoCard(error);
  }
}

function offerRepositories(names) {
  const known = Array.isArray(names) ? names : [];
  byId("repositories").replaceChildren(...known.map((value) => el("option", { value })));
}

start();
