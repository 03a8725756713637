/** The two forms: their values, and the problems with them. */

import { byId } from "./dom.js";

const COUNTS = ["additions", "deletions", "changed_files", "commits"];
/** API fields whose last name differs from that of their input. */
const INPUTS = { login: "author", full_name: "repository" };
const VALIDATION_MESSAGES = {
  badInput: "This is not a valid value.",
  valueMissing: "This field is required.",
  patternMismatch: "Write it as owner/name.",
  typeMismatch: "This is not a URL.",
  rangeUnderflow: "This must be at least 0.",
  rangeOverflow: "This is too large.",
  stepMismatch: "This must be a whole number.",
  tooLong: "This is too long.",
};

/** Return the URL, with the scheme added if it is missing. */
export function getUrl() {
  const text = byId("url").value.trim();
  return text === "" || text.includes("://") ? text : `https://${text}`;
}

export function setUrl(text) {
  byId("url").value = text;
}

/** Return the fields in the form of GitHub's API. */
export function getPull() {
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

/** Format a moment for an input of type datetime-local. */
export function localTime(moment) {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** Validate a form, and show a message beside each field that is not valid. */
export function isValid(form) {
  clear(form);
  const wrong = [...form.elements].filter((input) => input.willValidate && !input.validity.valid);
  wrong.forEach((input) => mark(input, validationMessage(input.validity)));
  wrong[0]?.focus();
  return wrong.length === 0;
}

function validationMessage(validity) {
  const kind = Object.keys(VALIDATION_MESSAGES).find((name) => validity[name]);
  return VALIDATION_MESSAGES[kind] ?? "This is not valid.";
}

function mark(input, text) {
  input.setAttribute("aria-invalid", "true");
  byId(`${input.id}-error`).textContent = text;
}

function clear(form) {
  [...form.elements].forEach((input) => input.removeAttribute("aria-invalid"));
  form.querySelectorAll(".error").forEach((place) => (place.textContent = ""));
}

/** Show a problem with the URL, and offer the fields if the service can't fetch it. */
export function showUrlProblem(problem) {
  const another = problem.status >= 500 ? " You can enter its fields below instead." : "";
  if (another) {
    openFields();
  }
  mark(byId("url"), problem.message + another);
  byId("url").focus();
}

/** Show problems with the fields, each beside its input; the rest below the form. */
export function showFieldProblems(form, problem) {
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
