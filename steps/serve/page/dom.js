/** Making elements; every text goes in as text, so that nothing a stranger wrote is read as markup. */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An HTML element with attributes (those that are null or false are left out) and children, elements or texts. */
export const el = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

/** The same of SVG. */
export const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A link, where the address is one of the web; else its text alone. */
export function link(address, text) {
  const safe = webAddress(address);
  const shown = el("bdi", {}, text);
  return safe ? el("a", { href: safe, rel: "noopener noreferrer nofollow" }, shown) : shown;
}

function webAddress(text) {
  try {
    const address = new URL(text);
    return ["http:", "https:"].includes(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}
