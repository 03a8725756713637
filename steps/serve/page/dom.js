/** Creating elements; every text is inserted as text, so that no user content is parsed as markup. */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** Create an HTML element with attributes (null and false ones are left out) and children (elements or texts). */
export const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

/** Create an SVG element. */
export const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Create a link if the URL is http or https; otherwise only its text. */
export function link(url, text) {
  const safe = parseWebUrl(url);
  const shown = el("bdi", {}, text);
  return safe ? el("a", { href: safe, rel: "noopener noreferrer nofollow" }, shown) : shown;
}

function parseWebUrl(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
