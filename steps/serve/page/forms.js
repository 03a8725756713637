/** The two forms: what stands in them, and what is wrong with it. */

import { byId } from "./dom.js";

const COUNTS = ["additions", "deletions", "changed_files", "commits"];
/** Fields of the interface whose names end differently from those of their inputs. */
const INPUTS = { login: "author", full_name: "repository" };
const COMPLAINTS = {
  badInput: "This can’t be read.",
  valueMissing: "Please fill this in.",
  patternMismatch: "Write it as owner/name.",
  typeMismatch: "This is not a web address.",
  rangeUnderflow: "This can’t be below 0.",
  rangeOverflow: "This is too large.",
  stepMismatch: "This must be a whole number.",
  tooLong: "This is too long.",
};

/** The address, with the scheme that people leave out. */
export function address() {
  const text = byId("url").value.trim();
  return text === "" || text.includes("://") ? text : `https://${text}`;
}

export function setAddress(text) {
  byId("url").value = text;
}

/** The fields as GitHub's interface has a pull request. */
export function pull() {
  const value = (name) => byId(name).value;
  return {
    number: 1,
    title: value("title"),
    body: value("body"),
    user: { login: value("author").trim() },
    state: "open",
    created_at: new Date(value("created_at")).toISOString(),
    updated_at: new Date().toISOString(),
    ...Object.fromEntries(COUNTS.map((name) => [name, Number(value(name))])),
    base: { ref: "main", repo: { full_name: value("repository").trim() } },
  };
}

export function setFields(values) {
  for (const [name, value] of Object.entries(values)) {
    byId(name).value = value;
  }
}

export function openFields() {
  byId("fields").open = true;
}

/** A moment as an input of the kind datetime-local takes it. */
export function localTime(moment) {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** Whether a form is filled in well; if not, it says what is wrong where. */
export function isSound(form) {
  clear(form);
  const wrong = [...form.elements].filter((input) => input.willValidate && !input.validity.valid);
  wrong.forEach((input) => mark(input, complaint(input.validity)));
  wrong[0]?.focus();
  return wrong.length === 0;
}

function complaint(validity) {
  const kind = Object.keys(COMPLAINTS).find((name) => validity[name]);
  return COMPLAINTS[kind] ?? "This can’t be used.";
}

function mark(input, words) {
  input.setAttribute("aria-invalid", "true");
  byId(`${input.id}-error`).textContent = words;
}

function clear(form) {
  [...form.elements].forEach((input) => input.removeAttribute("aria-invalid"));
  form.querySelectorAll(".error").forEach((place) => (place.textContent = ""));
}

/** Say what the service has against the address, and where there is another way. */
export function blameAddress(problem) {
  const another = problem.status >= 500 ? " You can fill in its fields below instead." : "";
  if (another) {
    openFields();
  }
  mark(byId("url"), problem.message + another);
  byId("url").focus();
}

/** Say what the service has against the fields, each beside its own; the rest below them. */
export function blameFields(form, problem) {
  const found = problem.errors.map((error) => [inputOf(form, error.field), error]);
  const rest = found.filter(([input]) => !input).map(([, error]) => `${error.field}: ${error.problem}`);
  const placed = found.filter(([input]) => input);
  placed.forEach(([input, error]) => mark(input, error.problem));
  const place = byId("fields-error");
  place.textContent = placed.length && !rest.length ? "" : [problem.message, ...rest].join(" ");
  (placed[0]?.[0] ?? place).focus();
}

function inputOf(form, field) {
  const last = String(field).split(".").pop();
  return form.elements.namedItem(INPUTS[last] ?? last);
}
