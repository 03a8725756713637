/** The page: takes an address or fields, asks the service, shows what it says. */

import { showCard, showNoCard } from "./card.js";
import { byId, el } from "./dom.js";
import * as forms from "./forms.js";
import { show } from "./result.js";
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
  byId("by-url").addEventListener("submit", onAddress);
  byId("by-fields").addEventListener("submit", onFields);
  byId("example").addEventListener("click", onExample);
  addEventListener("hashchange", followAddress);
  refreshCard();
  followAddress();
}

/** Score what the page's own address names: `/?url=…` or `/#url=…`, as links from elsewhere have it. */
function followAddress() {
  const named = new URLSearchParams(location.hash.slice(1)).get("url") ?? new URLSearchParams(location.search).get("url");
  if (named && byId("url").value !== named) {
    forms.setAddress(named);
    byId("by-url").requestSubmit();
  }
}

function onAddress(event) {
  event.preventDefault();
  const url = forms.address();
  forms.setAddress(url);
  score(event.target, async () => {
    const answer = await service.scoreUrl(url);
    await present(answer, answer.pull_request ?? { url });
    history.replaceState(null, "", `?${new URLSearchParams({ url })}`);
  }, forms.blameAddress);
}

function onFields(event) {
  event.preventDefault();
  const form = event.target;
  score(form, async () => {
    const pull = forms.pull();
    const answer = await service.scorePull(pull);
    await present(answer, { ...pull, author: pull.user.login });
    history.replaceState(null, "", location.pathname);
  }, (problem) => forms.blameFields(form, problem));
}

function onExample() {
  const repository = byId("repositories").options[0]?.value ?? EXAMPLE_REPOSITORY;
  forms.setFields({ ...EXAMPLE, repository, created_at: forms.localTime(new Date()) });
  forms.openFields();
  byId("by-fields").requestSubmit();
}

/** Run one scoring from a form that is filled in well; what is wrong is said where `blame` puts it. */
async function score(form, work, blame) {
  if (isBusy() || !forms.isSound(form)) {
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
    blame(problem);
  }
}

async function present(answer, pull) {
  const [result] = answer.results;
  show(result, pull, answer.model, await service.distribution(result.repository));
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
    const card = await service.model();
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
